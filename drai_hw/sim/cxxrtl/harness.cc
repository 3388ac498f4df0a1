// Drives a CXXRTL model of the core through a C interface, many clocks and many bus accesses a call.
//
// Compiled together with the model that yosys wrote; of CXXRTL only its own C interface is used, so
// that nothing here depends on how the model names its members.

#include <cstdint>
#include <string>
#include <vector>

#include "model.cc"

#include <cxxrtl/capi/cxxrtl_capi.cc>

namespace {

const char *const PORTS[] = {"clk",   "rst", "addr", "wdata",     "we",
                             "re",    "rdata", "ack",  "busy", "step_done"};
enum Port { CLK, RST, ADDR, WDATA, WE, RE, RDATA, ACK, BUSY, STEP_DONE, PORT_COUNT };

// A design without a loop settles in a few rounds; its flip-flops and latches in a few more.
const int MOST_ROUNDS = 10000;

struct Watched {
    const cxxrtl_object *object;
    size_t chunks;
    std::vector<uint32_t> before;
};

struct Harness {
    cxxrtl_handle model = nullptr;
    std::string scope;
    cxxrtl_object *port[PORT_COUNT] = {};
    uint32_t active = 1;     // level of an active reset
    bool unsettled = false;  // inputs were changed since the last step
    bool endless = false;    // the design does not settle: from then on no clock passes
    uint64_t clocks = 0;
    std::vector<Watched> watched;
    bool counting = false;
    bool has_before = false;
    uint64_t toggles = 0;
    uint64_t toggle_clocks = 0;

    // Yosys joins the levels of a hierarchical name by spaces.
    cxxrtl_object *find(const char *path) {
        std::string name = scope + " " + path;
        for (size_t k = scope.size(); k < name.size(); k++)
            if (name[k] == '.') name[k] = ' ';
        size_t parts = 0;
        cxxrtl_object *found = cxxrtl_get_parts(model, name.c_str(), &parts);
        return parts == 1 ? found : nullptr;
    }

    uint32_t get(Port which) const { return *port[which]->curr; }
    void set(Port which, uint32_t value) {
        *port[which]->next = value;
        unsettled = true;
    }

    // As cxxrtl_step, which never returns from a loop of logic that oscillates.
    void step() {
        for (int rounds = 0; rounds < MOST_ROUNDS; rounds++) {
            const int converged = cxxrtl_eval(model);
            if (!cxxrtl_commit(model) || converged) return;
        }
        endless = true;
    }

    void clock(uint32_t level) {
        *port[CLK]->next = level;
        step();
    }

    // A whole clock: afterwards all outputs are what registers and inputs make of them. Logic takes
    // inputs in before the edge: in the step that has the edge, registers may see what logic made
    // of the inputs before.
    void tick() {
        if (endless) return;
        if (unsettled) step();
        unsettled = false;
        clock(1);
        clock(0);
        clocks++;
        if (counting) count();
    }

    void count() {
        for (Watched &item : watched)
            for (size_t k = 0; k < item.chunks; k++) {
                uint32_t now = item.object->curr[k];
                if (has_before) toggles += __builtin_popcount(now ^ item.before[k]);
                item.before[k] = now;
            }
        toggle_clocks += has_before;
        has_before = true;
    }
};

Harness *of(void *harness) { return static_cast<Harness *>(harness); }

}  // namespace

extern "C" {

// Make a model; all further calls take what is returned here.
void *drai_open(const char *scope) {
    Harness *h = new Harness;
    h->scope = scope;
    h->model = cxxrtl_create_at(cxxrtl_design_create(), scope);
    for (int k = 0; k < PORT_COUNT; k++) h->port[k] = h->find(PORTS[k]);
    return h;
}

// Take another signal for a port; returns 0 where the design has no such signal.
int drai_connect(void *harness, const char *name, const char *path) {
    Harness *h = of(harness);
    for (int k = 0; k < PORT_COUNT; k++)
        if (name == std::string(PORTS[k])) h->port[k] = h->find(path);
    return h->find(path) != nullptr;
}

void drai_reset_low(void *harness) { of(harness)->active = 0; }

// Hold an input at a value; returns 0 where the design has no such input.
int drai_hold(void *harness, const char *path, uint32_t value) {
    cxxrtl_object *found = of(harness)->find(path);
    if (!found || !found->next) return 0;
    found->next[0] = found->width < 32 ? value & ((1u << found->width) - 1) : value;
    of(harness)->unsettled = true;
    return 1;
}

void drai_close(void *harness) {
    cxxrtl_destroy(of(harness)->model);
    delete of(harness);
}

// Return the width of a port, 0 if there is none: a constant is none, it cannot be driven.
size_t drai_width(void *harness, const char *name) {
    for (int k = 0; k < PORT_COUNT; k++) {
        const cxxrtl_object *port = of(harness)->port[k];
        if (name == std::string(PORTS[k]))
            return !port || !port->curr || (k < RDATA && !port->next) ? 0 : port->width;
    }
    return 0;
}

int drai_endless(void *harness) { return of(harness)->endless; }

uint64_t drai_clocks(void *harness) { return of(harness)->clocks; }

void drai_reset(void *harness, uint32_t clocks) {
    Harness *h = of(harness);
    for (Port which : {ADDR, WDATA, WE, RE}) h->set(which, 0);
    h->set(RST, h->active);
    for (uint32_t k = 0; k < clocks; k++) h->tick();
    h->set(RST, 1 - h->active);
    h->tick();
}

// Do `count` accesses, each to addresses[k]: write values[k], or read into it. Returns how many were
// acknowledged within `limit` clocks each; the first that was not ends the call.
size_t drai_access(void *harness, int reads, const uint32_t *addresses, uint32_t *values,
                   size_t count, uint32_t limit) {
    Harness *h = of(harness);
    const Port strobe = reads ? RE : WE;
    for (size_t k = 0; k < count; k++) {
        h->set(ADDR, addresses[k]);
        if (!reads) h->set(WDATA, values[k]);
        h->set(strobe, 1);
        uint32_t left = limit;
        do {
            if (left-- == 0) return k;
            h->tick();
        } while (!h->get(ACK));
        if (reads) values[k] = h->get(RDATA);
        h->tick();
        h->set(strobe, 0);
    }
    return count;
}

// Let clocks pass until STEP_DONE rises (`busy` = 0) or BUSY falls (`busy` = 1); 0 if neither came
// within `limit` clocks.
int drai_wait(void *harness, int busy, uint64_t limit) {
    Harness *h = of(harness);
    const Port which = busy ? BUSY : STEP_DONE;
    const uint32_t wanted = busy ? 0 : 1;
    uint32_t before = h->get(which);
    while (limit-- > 0) {
        h->tick();
        uint32_t now = h->get(which);
        if (now == wanted && before != wanted) return 1;
        before = now;
    }
    return 0;
}

void drai_tick(void *harness, uint32_t clocks) {
    while (clocks-- > 0) of(harness)->tick();
}

// Return the words of a memory, null if there is none of this path; they stay where they are.
const uint32_t *drai_memory(void *harness, const char *path, size_t *width, size_t *depth) {
    const cxxrtl_object *found = of(harness)->find(path);
    if (!found || found->type != CXXRTL_MEMORY) return nullptr;
    *width = found->width;
    *depth = found->depth;
    return found->curr;
}

// Take fields out of words of `chunks` x 32 bits: out[word * fields + field], sign-extended if wanted.
void drai_unpack(const uint32_t *words, size_t chunks, size_t depth, const uint32_t *first,
                 const uint32_t *bits, size_t fields, int is_signed, int64_t *out) {
    for (size_t word = 0; word < depth; word++, words += chunks)
        for (size_t k = 0; k < fields; k++) {
            const size_t chunk = first[k] / 32;
            uint64_t both = words[chunk];
            if (chunk + 1 < chunks) both |= uint64_t(words[chunk + 1]) << 32;
            uint64_t value = both >> (first[k] % 32) & ((uint64_t(1) << bits[k]) - 1);
            if (is_signed) {
                const uint64_t sign = uint64_t(1) << (bits[k] - 1);
                value = (value ^ sign) - sign;
            }
            *out++ = int64_t(value);
        }
}

// Count toggles of a register from now on; returns its width, 0 if there is none of this path.
size_t drai_watch(void *harness, const char *path) {
    const cxxrtl_object *found = of(harness)->find(path);
    if (!found || found->type == CXXRTL_MEMORY || found->type == CXXRTL_OUTLINE) return 0;
    const size_t chunks = (found->width + 31) / 32;
    of(harness)->watched.push_back({found, chunks, std::vector<uint32_t>(chunks)});
    return found->width;
}

void drai_count(void *harness, int on) {
    of(harness)->counting = on;
    of(harness)->has_before = false;
}

void drai_toggles(void *harness, uint64_t *toggles, uint64_t *clocks) {
    *toggles = of(harness)->toggles;
    *clocks = of(harness)->toggle_clocks;
}

}  // extern "C"
