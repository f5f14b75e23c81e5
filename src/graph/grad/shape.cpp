#include "graph/grad/vjp.h"

namespace agon::autodiff {

void shape(Rule& r) {
  Value dy = r.d();
  const Shape x = r.in(0).shape();
  switch (r.op()) {
    case Op::reshape:
    case Op::broadcast_to:
      return r.give(0, dy);
    case Op::transpose: {
      const auto& axes = r.attr<AxesAttr>().axes;
      std::vector<int> inverse(axes.size());
      for (size_t i = 0; i < axes.size(); ++i) inverse[static_cast<size_t>(axes[i])] = static_cast<int>(i);
      return r.give(0, transpose(dy, inverse));
    }
    case Op::concat: {
      const int axis = r.attr<AxesAttr>().axes[0];
      int64_t begin = 0;
      for (int i = 0; i < static_cast<int>(r.arity()); ++i) {
        const int64_t extent = r.in(i).shape()[axis];
        if (r.wants(i)) r.give(i, slice(dy, axis, begin, begin + extent));
        begin += extent;
      }
      return;
    }
    case Op::slice: {
      const auto& [lo, hi] = r.attr<RangeAttr>();
      Shape after = x;
      for (int i = 0; i < x.rank(); ++i) after[i] = x[i] - hi[i];
      return r.give(0, pad(dy, lo, after));
    }
    case Op::pad: {
      const auto& [lo, hi] = r.attr<RangeAttr>();
      Shape end = x;
      for (int i = 0; i < x.rank(); ++i) end[i] = lo[i] + x[i];
      return r.give(0, slice(dy, lo, end));
    }
    case Op::reduce_sum:
      return r.give(0, broadcast_to(dy, x));
    case Op::reduce_max: {
      // Ties share the derivative equally.
      Value hit = equal(r.in(0), r.out());
      Value share = dy / reduce_sum(hit, r.attr<AxesAttr>().axes);
      return r.give(0, hit * share);
    }
    case Op::gather:
      return r.give(0, scatter_add(r.in(1), dy, x[0]));
    case Op::scatter_add:
      if (r.wants(1)) r.give(1, gather(dy, r.in(0)));
      return;
    default:
      fail(ErrorKind::internal, "grad: {} has no derivative", name_of(r.op()));
  }
}

}  // namespace agon::autodiff
