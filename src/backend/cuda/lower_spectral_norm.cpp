#include "backend/cuda/lowering.h"

namespace agon::device {
namespace {

/// A node's operands and results.
struct Matrix {
  Ref w, u, y, sigma, new_u, v;

  Matrix(Lowering& l, const Node& node)
      : w(l.get(node.inputs[0])),
        u(l.get(node.inputs[1])),
        y(l.uses().of(node.outputs[0]).empty() ? Ref{} : l.put(node.outputs[0])),
        sigma(l.put(node.outputs[1])),
        new_u(l.put(node.outputs[2])),
        v(l.put(node.outputs[3])) {}

  void bind(const Frame& f, kernel::SpectralNorm& m) const {
    m.w = f.at(w);
    m.u = f.at(u);
    m.y = f.at<void>(y);
    m.sigma = f.at(sigma);
    m.new_u = f.at(new_u);
    m.v = f.at(v);
  }
};

kernel::SpectralNorm extents_of(const Lowering& l, const Node& node) {
  const Shape& shape = l.shape(node.inputs[0]);
  const auto& attr = node.get<SpectralNormAttr>();
  kernel::SpectralNorm m;
  m.rows = static_cast<int>(shape[0]);
  m.columns = static_cast<int>(shape.numel() / shape[0]);
  m.eps = static_cast<float>(attr.eps);
  m.iterate = attr.iterate;
  m.y_dtype = to_kernel(l.info(node.outputs[0]).dtype);
  return m;
}

/// True if `node`, which comes later, may run now: what it reads is there, and u' takes no memory that
/// somebody reads before it.
bool can_join(const Lowering& l, const Node& node) {
  return node.op == Op::spectral_norm && !l.is_placed(node.outputs[1]) && l.is_made(node.inputs[0]) &&
         l.is_made(node.inputs[1]) && l.may_take_room(node.outputs[2]);
}

}  // namespace

/// The spectral norms of a network's layers depend on weights alone: those whose operands are there run with
/// the first.
void lower_spectral_norm(Lowering& l, const Node& node) {
  if (l.is_placed(node.outputs[1])) return;
  kernel::SpectralNormArgs args;
  std::vector<Matrix> matrices;
  double elements = 0, bytes = 0;
  const auto take = [&](const Node& taken) {
    args.matrices[args.count++] = extents_of(l, taken);
    matrices.emplace_back(l, taken);
    elements += static_cast<double>(l.shape(taken.inputs[0]).numel());
    bytes += static_cast<double>(3 * l.bytes_of(taken.inputs[0]) + l.bytes_of(taken.outputs[0]));
  };
  take(node);
  if (l.options().fuse)
    for (int i = l.position() + 1; i < static_cast<int>(l.graph().nodes().size()); ++i)
      if (const Node& later = l.graph().node(i);
          args.count < kernel::most_spectral_norms && can_join(l, later)) {
        take(later);
        l.note(later, "joined the launches of " + node.name);
      }
  const auto bind = [=](const Frame& f, kernel::SpectralNormArgs& a) {
    for (size_t i = 0; i < matrices.size(); ++i) matrices[i].bind(f, a.matrices[i]);
  };
  l.emit(node, {fmt::format("{} matrices", args.count), 5 * elements, bytes}, &agon_cuda_table::spectral_norm,
         &agon_cuda_table::spectral_norm_workspace, args, bind);
}

}  // namespace agon::device
