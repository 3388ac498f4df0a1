// Ports of a unit compiled by CXXRTL through a C interface: width, set, get, step.

#include <cstdint>
#include <string>

#include "model.cc"

#include <cxxrtl/capi/cxxrtl_capi.cc>

namespace {

struct Unit {
    cxxrtl_handle model = nullptr;
    std::string scope;
};

cxxrtl_object *find(void *unit, const char *name) {
    Unit *u = static_cast<Unit *>(unit);
    size_t parts = 0;
    cxxrtl_object *found = cxxrtl_get_parts(u->model, (u->scope + " " + name).c_str(), &parts);
    return parts == 1 ? found : nullptr;
}

}  // namespace

extern "C" {

void *unit_open(const char *scope) {
    Unit *u = new Unit;
    u->scope = scope;
    u->model = cxxrtl_create_at(cxxrtl_design_create(), scope);
    return u;
}

// Return the bits of a port, 0 where there is none.
int unit_width(void *unit, const char *name) {
    cxxrtl_object *found = find(unit, name);
    return found ? static_cast<int>(found->width) : 0;
}

void *unit_port(void *unit, const char *name) { return find(unit, name); }

void unit_set(void *port, uint64_t value) {
    cxxrtl_object *object = static_cast<cxxrtl_object *>(port);
    object->next[0] = static_cast<uint32_t>(value);
    if (object->width > 32) object->next[1] = static_cast<uint32_t>(value >> 32);
}

uint64_t unit_get(void *port) {
    cxxrtl_object *object = static_cast<cxxrtl_object *>(port);
    uint64_t value = object->curr[0];
    if (object->width > 32) value |= static_cast<uint64_t>(object->curr[1]) << 32;
    return value;
}

void unit_step(void *unit) { cxxrtl_step(static_cast<Unit *>(unit)->model); }
}
