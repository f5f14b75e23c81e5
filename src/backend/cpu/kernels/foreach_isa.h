// Includes the file AGON_ISA_FILE once for every instruction set, inside namespace agon::cpu::{base,v3,v4},
// where `lanes` is the number of floats in a register. No include guard: each .cpp with such a file includes
// this once, after all its other headers (what a header defines must not be compiled for a higher instruction
// set, or the linker might keep that copy for everybody). AGON_BEST(function) then picks an instance at run
// time.
#ifndef AGON_ISA_FILE
#error "define AGON_ISA_FILE before including foreach_isa.h"
#endif

// Unnamed namespaces, so that two such files may use the same names.
namespace agon::cpu {
namespace {

namespace base {
constexpr int lanes = 4;
#include AGON_ISA_FILE
}  // namespace base

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
namespace v3 {
constexpr int lanes = 8;
#include AGON_ISA_FILE
}  // namespace v3
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,prefer-vector-width=512")
namespace v4 {
constexpr int lanes = 16;
#include AGON_ISA_FILE
}  // namespace v4
#pragma GCC pop_options
#endif

}  // namespace
}  // namespace agon::cpu

#undef AGON_ISA_FILE
