// The approximate functions, lane by lane.
#include "cuda/simt/exec/approx.h"
#include "cuda/simt/exec/exec.h"
#include "cuda/simt/machine/worker.h"

namespace agon::simt {

namespace {

template <class T, class F>
const Step* each(Warp& w, const Step* s, F f) {
  const T* a = lanes<T>(w, s->a);
  T* d = lanes<T>(w, s->d);
  for (int i = 0; i < warp_lanes; ++i)
    if (w.exec >> i & 1) d[i] = f(a[i]);
  return s + 1;
}

template <Function function>
const Step* single(Warp& w, const Step* s) {
  const std::uint64_t seed = w.worker->run.launch.approximation;
  const bool ftz = s->flags & flag_ftz;
  return each<float>(w, s, [=](float a) { return approximate(function, a, ftz, seed); });
}
template <Function function>
const Step* twice(Warp& w, const Step* s) {
  return each<double>(w, s, [](double a) { return approximate(function, a); });
}
template <Function function, bool bf16, bool pair>
const Step* half(Warp& w, const Step* s) {
  const std::uint64_t seed = w.worker->run.launch.approximation;
  return each<std::uint32_t>(w, s, [=](std::uint32_t a) {
    const std::uint32_t low = approximate_half(function, bf16, a & 0xffff, seed);
    return pair ? low | approximate_half(function, bf16, a >> 16, seed) << 16 : low;
  });
}
const Step* quotient(Warp& w, const Step* s) {
  const std::uint64_t seed = w.worker->run.launch.approximation;
  const bool ftz = s->flags & flag_ftz;
  const float *a = lanes<float>(w, s->a), *b = lanes<float>(w, s->b);
  float* d = lanes<float>(w, s->d);
  for (int i = 0; i < warp_lanes; ++i)
    if (w.exec >> i & 1) d[i] = approximate_quotient(a[i], b[i], ftz, seed);
  return s + 1;
}

template <Function function>
Handler half_of(Type type) {
  switch (type) {
    case Type::f16:
      return half<function, false, false>;
    case Type::f16x2:
      return half<function, false, true>;
    case Type::bf16:
      return half<function, true, false>;
    case Type::bf16x2:
      return half<function, true, true>;
    default:
      return nullptr;
  }
}

}  // namespace

// Those that are rounded exactly are exec_float's, which is asked first.
Handler find_special(const Instruction& in) {
  switch (in.op) {
    case Op::Ex2F32:
      return single<Function::ex2>;
    case Op::Lg2F32:
      return single<Function::lg2>;
    case Op::SinF32:
      return single<Function::sin>;
    case Op::CosF32:
      return single<Function::cos>;
    case Op::TanhF32:
      return single<Function::tanh>;
    case Op::RcpF32:
      return single<Function::rcp>;
    case Op::RsqrtF32:
      return single<Function::rsqrt>;
    case Op::SqrtF32:
      return single<Function::sqrt>;
    case Op::DivF32:
      return quotient;
    case Op::RcpF64:
      return twice<Function::rcp>;
    case Op::RsqrtF64:
      return twice<Function::rsqrt>;
    case Op::Ex2Half:
      return half_of<Function::ex2>(in.type);
    case Op::TanhHalf:
      return half_of<Function::tanh>(in.type);
    default:
      return nullptr;
  }
}

}  // namespace agon::simt
