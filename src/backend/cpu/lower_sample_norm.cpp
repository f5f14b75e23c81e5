#include "backend/cpu/kernels/sample_norm.h"
#include "backend/cpu/kernels/spectral_norm.h"
#include "backend/cpu/lower_norm.h"

namespace agon::cpu {
namespace {

bool is_layer(const Node& node) {
  return node.get<SampleNormAttr>().kind == SampleNormKind::layer;
}

/// Images of channels; a layer norm's samples lie plain.
ChannelLayout images_of(const Shape& shape, Layout layout) {
  const int64_t pixels = shape.numel() / (shape[0] * shape[-1]);
  if (layout == Layout::blocked) return ChannelLayout::blocked16(shape[0], pixels, shape[-1]);
  return {shape[0], shape[-1], pixels, shape[-1]};
}

Layout layout_of(const Lowering& l, const Node& node) {
  const auto narrow = [&](int id) { return l.info(id).dtype == DType::bf16; };
  bool plain = is_layer(node) || narrow(node.inputs[0]) || narrow(node.outputs[0]);
  if (node.op == Op::sample_norm_grad) plain = plain || narrow(node.inputs[3]);
  return plain ? Layout::plain : l.resident(node.inputs[0]);
}

template <class K>
void lower_forward(Lowering& l, const Node& node) {
  const Shape shape = l.info(node.inputs[0]).shape;
  const Layout layout = layout_of(l, node);
  const double eps = node.get<SampleNormAttr>().eps;
  const bool affine = node.inputs.size() > 1, layer = is_layer(node);
  const Ref x = operand<K>(l, node.inputs[0], layout);
  const Ref gamma = affine ? l.get(node.inputs[1]) : Ref{}, beta = affine ? l.get(node.inputs[2]) : Ref{};
  const Result<K> y(l, node.outputs[0], l.put(node.outputs[0], layout));
  const Ref mean = l.put(node.outputs[1]), inv_std = l.put(node.outputs[2]);
  const ChannelLayout c = images_of(shape, layout);
  const Ref scratch = l.scratch(layer ? layer_norm_scratch_bytes(shape[0]) : instance_norm_scratch_bytes(c));
  l.emit({"sample_norm",
          node.name,
          describe(shape, layout),
          [=](const Frame& m) {
            const float *g = affine ? m.at(gamma) : nullptr, *b = affine ? m.at(beta) : nullptr;
            if constexpr (std::is_same_v<K, float>)
              if (layer)
                layer_norm(shape[0], shape.numel() / shape[0], m.at(x), g, b, eps, y.at(m), m.at(mean),
                           m.at(inv_std), m.at<void>(scratch));
            if (!layer)
              instance_norm(c, m.at<K>(x), g, b, eps, y.at(m), m.at(mean), m.at(inv_std),
                            m.at<void>(scratch));
            y.finish(m);
          },
          {},
          8.0 * static_cast<double>(shape.numel()),
          static_cast<double>(2 * l.bytes_of(node.inputs[0]) + l.bytes_of(node.outputs[0]))});
}

template <class K>
void lower_grad(Lowering& l, const Node& node) {
  const Shape shape = l.info(node.inputs[0]).shape;
  const Layout layout = layout_of(l, node);
  const bool affine = node.inputs.size() > 4, layer = is_layer(node);
  const Ref x = operand<K>(l, node.inputs[0], layout), mean = l.get(node.inputs[1]),
            inv_std = l.get(node.inputs[2]);
  const Ref dy = operand<K>(l, node.inputs[3], layout), gamma = affine ? l.get(node.inputs[4]) : Ref{};
  const Result<K> dx(l, node.outputs[0], l.put_over(node.outputs[0], node.inputs[3], layout));
  const Ref dgamma = affine ? l.put(node.outputs[1]) : Ref{}, dbeta = affine ? l.put(node.outputs[2]) : Ref{};
  const ChannelLayout c = images_of(shape, layout);
  const Ref scratch = l.scratch(layer ? layer_norm_scratch_bytes(shape[0]) : instance_norm_scratch_bytes(c));
  l.emit({"sample_norm_grad",
          node.name,
          describe(shape, layout),
          [=](const Frame& m) {
            const auto at = [&](Ref ref) { return affine ? m.at(ref) : nullptr; };
            if constexpr (std::is_same_v<K, float>)
              if (layer)
                layer_norm_grad(shape[0], shape.numel() / shape[0], m.at(x), m.at(mean), m.at(inv_std),
                                m.at(dy), at(gamma), dx.at(m), at(dgamma), at(dbeta), m.at<void>(scratch));
            if (!layer)
              instance_norm_grad(c, m.at<K>(x), m.at(mean), m.at(inv_std), m.at<K>(dy), at(gamma), dx.at(m),
                                 at(dgamma), at(dbeta), m.at<void>(scratch));
            dx.finish(m);
          },
          {},
          12.0 * static_cast<double>(shape.numel()),
          static_cast<double>(2 * (l.bytes_of(node.inputs[0]) + l.bytes_of(node.inputs[3])) +
                              l.bytes_of(node.outputs[0]))});
}

}  // namespace

void lower_sample_norm(Lowering& lowering, const Node& node) {
  const bool forward = node.op == Op::sample_norm;
  // Where some of the large operands are f32, all are taken for it; a layer norm's always.
  const bool narrow =
      !is_layer(node) && all_bf16(lowering, {node.inputs[0], node.outputs[0], node.inputs[forward ? 0 : 3]});
  if (narrow)
    forward ? lower_forward<bf16>(lowering, node) : lower_grad<bf16>(lowering, node);
  else
    forward ? lower_forward<float>(lowering, node) : lower_grad<float>(lowering, node);
}

void lower_spectral_norm(Lowering& l, const Node& node) {
  const Shape shape = l.info(node.inputs[0]).shape;
  const auto& attr = node.get<SpectralNormAttr>();
  const SpectralNormKernel kernel{shape[0], shape.numel() / shape[0], attr.eps, attr.iterate};
  const Ref w = l.get(node.inputs[0]), u = l.get(node.inputs[1]);
  const Result<float> y(l, node.outputs[0], l.put(node.outputs[0]));
  const Ref sigma = l.put(node.outputs[1]), new_u = l.put(node.outputs[2]), v = l.put(node.outputs[3]);
  const Ref scratch = l.scratch(kernel.scratch_bytes());
  l.emit({"spectral_norm",
          node.name,
          shape.str(),
          [=](const Frame& m) {
            kernel.run(m.at(w), m.at(u), y.at(m), m.at(sigma), m.at(new_u), m.at(v), m.at<void>(scratch));
            y.finish(m);
          },
          {},
          4.0 * static_cast<double>(shape.numel()),
          static_cast<double>(3 * l.bytes_of(node.inputs[0]) + l.bytes_of(node.outputs[0]))});
}

}  // namespace agon::cpu
