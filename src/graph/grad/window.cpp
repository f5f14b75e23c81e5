#include "graph/grad/vjp.h"

namespace agon::autodiff {

void window(Rule& r) {
  Graph& g = r.graph();
  Value dy = r.d();
  const Shape x = r.in(0).shape();
  switch (r.op()) {
    case Op::avg_pool:
      return r.give(0, g.append(Op::avg_pool_grad, {dy}, r.attr<Window>(), x));
    case Op::avg_pool_grad:
      return r.give(0, g.append(Op::avg_pool, {dy}, r.attr<Window>()));
    case Op::max_pool:
      return r.give(0, g.append(Op::max_pool_grad, {dy, r.out(1)}, r.attr<Window>(), x));
    case Op::max_pool_grad:
      return r.give(0, g.append(Op::max_pool_take, {dy, r.in(1)}, r.attr<Window>()));
    case Op::max_pool_take:
      return r.give(0, g.append(Op::max_pool_grad, {dy, r.in(1)}, r.attr<Window>(), x));
    case Op::resize:
      return r.give(0, g.append(Op::resize_grad, {dy}, r.attr<ResizeAttr>(), x));
    case Op::resize_grad:
      return r.give(0, g.append(Op::resize, {dy}, r.attr<ResizeAttr>(), x));
    default:
      fail(ErrorKind::internal, "grad: {} has no derivative", name_of(r.op()));
  }
}

}  // namespace agon::autodiff
