// Plays recorded clocks on one mutant of a unit; appended to drai_hw/sim/units/unit_harness.cc.

#include <vector>

// Return the first clock in which an output differs from what is wanted where it counts, -1 if none
// does; *place is the output then. Rows are clocks, columns ports.
extern "C" int64_t unit_judge(const char *scope, uint64_t mutant, size_t clocks, size_t inputs,
                              const char *const *input_names, const uint64_t *values, size_t outputs,
                              const char *const *output_names, const uint64_t *wanted,
                              const uint8_t *counts, int64_t *place) {
    Unit *u = static_cast<Unit *>(unit_open(scope));
    unit_set(find(u, "mutant"), mutant);
    cxxrtl_object *clk = find(u, "clk");
    std::vector<cxxrtl_object *> in, out;
    for (size_t k = 0; k < inputs; k++) in.push_back(find(u, input_names[k]));
    for (size_t k = 0; k < outputs; k++) out.push_back(find(u, output_names[k]));
    int64_t found = -1;
    for (size_t clock = 0; clock < clocks && found < 0; clock++) {
        unit_set(clk, 0);
        for (size_t k = 0; k < inputs; k++) unit_set(in[k], values[clock * inputs + k]);
        unit_step(u);
        for (size_t k = 0; k < outputs && found < 0; k++)
            if (counts[clock * outputs + k] && unit_get(out[k]) != wanted[clock * outputs + k]) {
                found = static_cast<int64_t>(clock);
                *place = static_cast<int64_t>(k);
            }
        unit_set(clk, 1);
        unit_step(u);
    }
    cxxrtl_destroy(u->model);
    delete u;
    return found;
}
