// Chooses a mutant of a core; appended to drai_hw/sim/cxxrtl/harness.cc.

extern "C" void drai_mutant(void *harness, uint32_t number) {
    Harness *h = of(harness);
    *h->find("mutant")->next = number;
    h->unsettled = true;
}
