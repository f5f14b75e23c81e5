#include "graph/grad/vjp.h"

namespace agon::autodiff {
namespace {

void matmul_rule(Rule& r) {
  const auto [ta, tb] = r.attr<MatmulAttr>();
  Value a = r.in(0), b = r.in(1), dy = r.d();
  if (r.wants(0)) r.give(0, ta ? matmul(b, dy, tb, true) : matmul(dy, b, false, !tb));
  if (r.wants(1)) r.give(1, tb ? matmul(dy, a, true, ta) : matmul(a, dy, !ta, false));
}

}  // namespace

void contraction(Rule& r) {
  if (r.op() == Op::matmul) return matmul_rule(r);
  const auto w = r.attr<Window>();
  Value a = r.in(0), b = r.in(1), d = r.d();
  switch (r.op()) {
    case Op::conv:  // y = conv(x = a, w = b)
      if (r.wants(0)) r.give(0, conv_input_grad(d, b, w, a.shape()));
      if (r.wants(1)) r.give(1, conv_weight_grad(a, d, w, b.shape()));
      return;
    case Op::conv_input_grad:  // dx = conv_input_grad(dy = a, w = b)
      if (r.wants(0)) r.give(0, conv(d, b, w));
      if (r.wants(1)) r.give(1, conv_weight_grad(d, a, w, b.shape()));
      return;
    case Op::conv_weight_grad:  // dw = conv_weight_grad(x = a, dy = b)
      if (r.wants(0)) r.give(0, conv_input_grad(b, d, w, a.shape()));
      if (r.wants(1)) r.give(1, conv(a, d, w));
      return;
    default:
      fail(ErrorKind::internal, "grad: {} has no derivative", name_of(r.op()));
  }
}

}  // namespace agon::autodiff
