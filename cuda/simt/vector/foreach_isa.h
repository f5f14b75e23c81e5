// Includes AGON_SIMT_FILE once for every instruction set, in namespaces base, v3 and v4 of an unnamed
// namespace of agon::simt. No include guard: each .cpp with such a file includes this once, after all its
// other headers (what a header defines must not be compiled for a higher instruction set, or the linker might
// keep that copy for everybody). AGON_SIMT_BEST(function) picks an instance at run time.
#ifndef AGON_SIMT_FILE
#error "define AGON_SIMT_FILE before including foreach_isa.h"
#endif

namespace agon::simt {
namespace {

namespace base {
#include "cuda/simt/vector/lanes.inl"
#include AGON_SIMT_FILE
}  // namespace base

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
namespace v3 {
#include "cuda/simt/vector/lanes.inl"
#include AGON_SIMT_FILE
}  // namespace v3
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,prefer-vector-width=512")
namespace v4 {
#include "cuda/simt/vector/lanes.inl"
#include AGON_SIMT_FILE
}  // namespace v4
#pragma GCC pop_options
#endif

}  // namespace
}  // namespace agon::simt

#undef AGON_SIMT_FILE
