#include "graph/infer.h"

#include <algorithm>

namespace agon {
namespace {

class Inference {
 public:
  Inference(Op op, std::span<const ValueInfo> inputs, const Attr& attr, const Shape& target, DType dtype)
      : op_(op), inputs_(inputs), attr_(attr), target_(target), dtype_(dtype) {}

  std::vector<ValueInfo> run() const;

 private:
  void require(bool condition, std::string_view what) const;
  void arity(size_t count) const { require(inputs_.size() == count, "wrong number of operands"); }
  const Shape& shape(size_t i) const { return inputs_[i].shape; }
  std::vector<ValueInfo> one(Shape shape) const { return {{inputs_[0].dtype, shape}}; }

  std::vector<ValueInfo> elementwise() const;
  std::vector<ValueInfo> transpose() const;
  std::vector<ValueInfo> concat() const;
  std::vector<ValueInfo> range() const;
  std::vector<ValueInfo> reduce() const;
  std::vector<ValueInfo> matmul() const;
  void conv_fits(const Shape& x, const Shape& w, const Shape& y) const;
  std::vector<ValueInfo> conv() const;
  Shape pooled(const Shape& x) const;
  std::vector<ValueInfo> batch_norm() const;
  std::vector<ValueInfo> sample_norm() const;
  std::vector<ValueInfo> spectral_norm() const;
  std::vector<ValueInfo> loss() const;
  std::vector<ValueInfo> optimizer(size_t slots, size_t scalars) const;

  Op op_;
  std::span<const ValueInfo> inputs_;
  const Attr& attr_;
  const Shape& target_;
  DType dtype_;
};

void Inference::require(bool condition, std::string_view what) const {
  if (condition) return;
  std::vector<std::string> shapes;
  for (const auto& input : inputs_) shapes.push_back(input.shape.str());
  fail(ErrorKind::usage, "{}: {}; the operands are {}{}", name_of(op_), what, fmt::join(shapes, ", "),
       target_.rank() > 0 ? ", the result " + target_.str() : "");
}

std::vector<ValueInfo> Inference::elementwise() const {
  const size_t first = op_ == Op::where ? 1 : 0;
  require(inputs_.size() > first, "wrong number of operands");
  Shape result = shape(0);
  for (size_t i = 1; i < inputs_.size(); ++i) result = broadcast(result, shape(i));
  for (size_t i = first; i < inputs_.size(); ++i)
    require(inputs_[i].dtype == inputs_[first].dtype, "operands differ in dtype");
  return {{inputs_[first].dtype, result}};
}

std::vector<ValueInfo> Inference::transpose() const {
  const auto& axes = std::get<AxesAttr>(attr_).axes;
  auto sorted = axes;
  std::ranges::sort(sorted);
  require(static_cast<int>(axes.size()) == shape(0).rank(), "one axis per dimension is needed");
  Shape result;
  for (int i = 0; i < shape(0).rank(); ++i) {
    require(sorted[static_cast<size_t>(i)] == i, "the axes are no permutation");
    result.push_back(shape(0)[axes[static_cast<size_t>(i)]]);
  }
  return one(result);
}

std::vector<ValueInfo> Inference::concat() const {
  const int axis = std::get<AxesAttr>(attr_).axes.at(0);
  Shape result = shape(0);
  require(axis >= 0 && axis < result.rank(), "no such axis");
  for (size_t i = 1; i < inputs_.size(); ++i) {
    Shape other = shape(i);
    require(other.rank() == result.rank() && inputs_[i].dtype == inputs_[0].dtype, "parts differ in kind");
    result[axis] += other[axis];
    other[axis] = result[axis];
    require(other == result, "parts differ along another axis");
  }
  return one(result);
}

std::vector<ValueInfo> Inference::range() const {
  const auto& [lo, hi] = std::get<RangeAttr>(attr_);
  require(lo.rank() == shape(0).rank() && hi.rank() == shape(0).rank(), "wrong number of extents");
  Shape result = shape(0);
  for (int i = 0; i < result.rank(); ++i) {
    if (op_ == Op::slice) {
      require(lo[i] <= hi[i] && hi[i] <= result[i], "range outside of the operand");
      result[i] = hi[i] - lo[i];
    } else {
      result[i] += lo[i] + hi[i];
    }
  }
  return one(result);
}

std::vector<ValueInfo> Inference::reduce() const {
  Shape result = shape(0);
  for (int axis : std::get<AxesAttr>(attr_).axes) {
    require(axis >= 0 && axis < result.rank(), "no such axis");
    result[axis] = 1;
  }
  return one(result);
}

std::vector<ValueInfo> Inference::matmul() const {
  arity(2);
  const auto& attr = std::get<MatmulAttr>(attr_);
  const Shape &a = shape(0), &b = shape(1);
  require(a.rank() == b.rank() && (a.rank() == 2 || a.rank() == 3), "operands must have rank 2 or 3");
  require(a.rank() == 2 || a[0] == b[0], "batches differ");
  const int64_t m = a[attr.transpose_a ? -1 : -2], k = a[attr.transpose_a ? -2 : -1];
  const int64_t k2 = b[attr.transpose_b ? -1 : -2], n = b[attr.transpose_b ? -2 : -1];
  require(k == k2, "inner extents differ");
  return one(a.rank() == 2 ? Shape{m, n} : Shape{a[0], m, n});
}

void Inference::conv_fits(const Shape& x, const Shape& w, const Shape& y) const {
  const auto& window = std::get<Window>(attr_);
  const int rank = window.rank + 2;
  require(x.rank() == rank && w.rank() == rank && y.rank() == rank, "rank differs from the window's");
  require(x[-1] == w[-1] * window.groups && y[-1] == w[0] && w[0] % window.groups == 0,
          "channels do not fit");
  require(x[0] == y[0], "batches differ");
  for (int i = 0; i < window.rank; ++i) {
    const auto a = static_cast<size_t>(i);
    require(x[i + 1] + window.pad_lo[a] + window.pad_hi[a] > window.dilation[a] * (w[i + 1] - 1),
            "the kernel is larger than the padded image");
    require(window.out(i, x[i + 1], w[i + 1]) == y[i + 1], "spatial extents do not fit the window");
  }
}

std::vector<ValueInfo> Inference::conv() const {
  arity(2);
  const auto& window = std::get<Window>(attr_);
  if (op_ == Op::conv_input_grad) {
    conv_fits(target_, shape(1), shape(0));
    return one(target_);
  }
  if (op_ == Op::conv_weight_grad) {
    conv_fits(shape(0), target_, shape(1));
    return one(target_);
  }
  const Shape &x = shape(0), &w = shape(1);
  require(x.rank() == window.rank + 2 && w.rank() == x.rank(), "rank differs from the window's");
  Shape y{x[0]};
  for (int i = 0; i < window.rank; ++i) y.push_back(std::max<int64_t>(0, window.out(i, x[i + 1], w[i + 1])));
  y.push_back(w[0]);
  conv_fits(x, w, y);
  return one(y);
}

Shape Inference::pooled(const Shape& x) const {
  const auto& window = std::get<Window>(attr_);
  require(x.rank() == window.rank + 2, "rank differs from the window's");
  Shape y{x[0]};
  for (int i = 0; i < window.rank; ++i) {
    const auto a = static_cast<size_t>(i);
    require(window.pad_lo[a] < window.kernel[a] && window.pad_hi[a] < window.kernel[a],
            "padding hides a window");
    require(x[i + 1] + window.pad_lo[a] + window.pad_hi[a] >= window.kernel[a],
            "the window is larger than the padded image");
    y.push_back(window.out(i, x[i + 1], window.kernel[a]));
  }
  y.push_back(x[-1]);
  return y;
}

std::vector<ValueInfo> Inference::batch_norm() const {
  arity(5);
  const Shape channel{shape(0)[-1]};
  const DType dtype = inputs_[0].dtype;
  for (size_t i = 1; i < (op_ == Op::batch_norm_train ? 5u : 4u); ++i)
    require(shape(i) == channel, "per-channel operands must be [channels]");
  if (op_ == Op::batch_norm_train)
    return {{dtype, shape(0)}, {dtype, channel}, {dtype, channel}, {dtype, channel}, {dtype, channel}};
  require(shape(4) == shape(0), "dy differs from x");
  return {{dtype, shape(0)}, {dtype, channel}, {dtype, channel}};
}

std::vector<ValueInfo> Inference::sample_norm() const {
  const bool grad = op_ == Op::sample_norm_grad,
             layer = std::get<SampleNormAttr>(attr_).kind == SampleNormKind::layer;
  const size_t large = grad ? 4 : 1, affine = inputs_.size() - std::min(inputs_.size(), large);
  require(inputs_.size() >= large && (affine == 0 || affine == (grad ? 1 : 2)), "wrong number of operands");
  const Shape& x = shape(0);
  require(x.rank() >= (layer ? 2 : 3), "the operand has no axes to normalise over");
  Shape statistics = x, vector{x[-1]};
  for (int i = 1; i < x.rank() - (layer ? 0 : 1); ++i) statistics[i] = 1;
  if (layer) {
    vector = {};
    for (int i = 1; i < x.rank(); ++i) vector.push_back(x[i]);
  }
  for (size_t i = large; i < inputs_.size(); ++i)
    require(shape(i) == vector,
            layer ? "gamma and beta must have a sample's shape" : "gamma and beta must be [channels]");
  const DType dtype = inputs_[0].dtype;
  if (!grad) return {{dtype, x}, {dtype, statistics}, {dtype, statistics}};
  require(shape(1) == statistics && shape(2) == statistics && shape(3) == x, "statistics or dy do not fit x");
  std::vector<ValueInfo> result{{dtype, x}};
  if (affine > 0) result.resize(3, {dtype, vector});
  return result;
}

std::vector<ValueInfo> Inference::spectral_norm() const {
  arity(2);
  const Shape& w = shape(0);
  require(w.rank() >= 2 && w.numel() > 0, "the operand is no matrix");
  require(shape(1) == Shape{w[0]}, "u must be [rows]");
  const DType dtype = inputs_[0].dtype;
  return {{dtype, w}, {dtype, {}}, {dtype, {w[0]}}, {dtype, {w.numel() / w[0]}}};
}

std::vector<ValueInfo> Inference::loss() const {
  const Shape& x = shape(0);
  if (std::get<LossAttr>(attr_).kind == LossKind::softmax_cross_entropy) {
    arity(2);
    require(x.rank() == 2 && x[1] > 0 && shape(1) == Shape{x[0]} && inputs_[1].dtype == DType::i32,
            "scores [rows, classes] and i32 labels [rows] are needed");
  } else {
    require(inputs_.size() == 1 || inputs_.size() == 2, "wrong number of operands");
    require(inputs_.size() == 1 || (shape(1) == x && inputs_[1].dtype == inputs_[0].dtype),
            "the target differs in kind");
  }
  return {{inputs_[0].dtype, {}}, {inputs_[0].dtype, x}};
}

std::vector<ValueInfo> Inference::optimizer(size_t slots, size_t scalars) const {
  arity(2 + slots + scalars);
  std::vector<ValueInfo> result{{inputs_[0].dtype, shape(0)}};
  for (size_t i = 1; i < 2 + slots; ++i) require(shape(i) == shape(0), "buffers differ in size");
  result.resize(1 + slots, result[0]);
  result.resize(3 + slots, {inputs_[0].dtype, {}});
  return result;
}

std::vector<ValueInfo> Inference::run() const {
  if (op_ == Op::cast) return {{dtype_, shape(0)}};
  if (is_elementwise(op_)) return elementwise();
  switch (op_) {
    case Op::stop_gradient:
    case Op::softmax:
    case Op::log_softmax:
      return one(shape(0));
    case Op::reshape:
      require(target_.numel() == shape(0).numel(), "element counts differ");
      return one(target_);
    case Op::broadcast_to:
      require(broadcast(shape(0), target_) == target_, "shapes do not broadcast");
      return one(target_);
    case Op::transpose:
      return transpose();
    case Op::concat:
      return concat();
    case Op::slice:
    case Op::pad:
      return range();
    case Op::reduce_sum:
    case Op::reduce_max:
      return reduce();
    case Op::matmul:
      return matmul();
    case Op::conv:
    case Op::conv_input_grad:
    case Op::conv_weight_grad:
      return conv();
    case Op::avg_pool:
      return one(pooled(shape(0)));
    case Op::max_pool:
      return {{inputs_[0].dtype, pooled(shape(0))}, {DType::i32, pooled(shape(0))}};
    case Op::avg_pool_grad:
    case Op::max_pool_grad:
      require(pooled(target_) == shape(0), "the result does not pool to the operand");
      return one(target_);
    case Op::max_pool_take:
      require(pooled(shape(0)) == shape(1), "the index does not fit");
      return one(shape(1));
    case Op::resize:
    case Op::resize_grad:
      require(shape(0).rank() == 4 && target_.rank() == 4 && shape(0)[0] == target_[0] &&
                  shape(0)[3] == target_[3],
              "NHWC images with equal N and C are needed");
      return one(target_);
    case Op::gather:
      arity(2);
      require(shape(0).rank() == 2 && shape(1).rank() == 1 && inputs_[1].dtype == DType::i32,
              "a table [rows, d] and an i32 index [n] are needed");
      return one({shape(1)[0], shape(0)[1]});
    case Op::scatter_add:
      arity(2);
      require(shape(0).rank() == 1 && inputs_[0].dtype == DType::i32 && shape(1).rank() == 2 &&
                  shape(0)[0] == shape(1)[0] && target_.rank() == 2 && target_[1] == shape(1)[1],
              "an i32 index [n] and values [n, d] are needed");
      return {{inputs_[1].dtype, target_}};
    case Op::one_hot:
      require(inputs_[0].dtype == DType::i32, "an i32 index is needed");
      return {{DType::f32, target_}};
    case Op::batch_norm_train:
    case Op::batch_norm_grad:
      return batch_norm();
    case Op::sample_norm:
    case Op::sample_norm_grad:
      return sample_norm();
    case Op::spectral_norm:
      return spectral_norm();
    case Op::loss:
      return loss();
    case Op::gradient_penalty:
      arity(1);
      require(shape(0).rank() > 0 && shape(0).numel() > 0, "samples along the first axis are needed");
      return {{inputs_[0].dtype, {}}, {inputs_[0].dtype, shape(0)}, {inputs_[0].dtype, {shape(0)[0]}}};
    case Op::adam:
      return optimizer(2, 3);
    case Op::rmsprop:
      return optimizer(2, 1);
    case Op::sgd:
      return optimizer(1, 1);
    default:
      fail(ErrorKind::internal, "infer: {} is a leaf or made by compile", name_of(op_));
  }
}

}  // namespace

std::vector<ValueInfo> infer(Op op, std::span<const ValueInfo> inputs, const Attr& attr, const Shape& target,
                             DType dtype) {
  return Inference(op, inputs, attr, target, dtype).run();
}

}  // namespace agon
