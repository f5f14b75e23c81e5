#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "agon/error.h"
#include "agon/types.h"

/// The graph: typed values, few ops, closed under differentiation.
///
/// Nodes are appended in execution order and never reordered by a pass. State (parameters, optimizer
/// slots, running statistics, EMA copies) is explicit: a `state` value is the tensor at the start of an
/// iteration, assign() names the value it holds at the end. Ops that update state do so in place: once
/// such an op has run, older versions of the state must not be read (verify() checks it).
namespace agon {

enum class Op : uint8_t {
  // Leaves.
  input,     ///< fed by the host before each run
  scalar,    ///< one f32 of the step block: what changes between replays (learning rate, bias corrections)
  state,     ///< a named tensor of the Store
  constant,  ///< filled with one value
  random_normal,
  random_uniform,    ///< [0, 1)
  random_bernoulli,  ///< 1 with probability p, else 0
  // Elementwise with NumPy broadcasting. Masks are 0 or 1 in the operands' dtype.
  neg,
  abs,
  sign,
  exp,
  log,
  sqrt,  ///< its derivative at 0 is defined as 0 (the gradient penalty of a zero gradient)
  rsqrt,
  softplus,
  clamp,
  activation,       ///< y = f(x)
  activation_grad,  ///< (y, dy) -> dy * f'(x), by the output y
  add,
  sub,
  mul,
  div,
  maximum,  ///< ties give the whole derivative to the first operand
  minimum,
  greater,
  greater_equal,
  equal,
  where,
  cast,
  // Shape.
  reshape,
  transpose,
  broadcast_to,
  concat,
  slice,
  pad,  ///< with zeros
  stop_gradient,
  // Reductions; reduced axes stay with extent 1.
  reduce_sum,
  reduce_max,
  // Contractions. conv: (x NHWC, w KRSC). Each op's derivatives are the other two.
  matmul,
  conv,
  conv_input_grad,   ///< (dy, w) -> dx; the transposed convolution
  conv_weight_grad,  ///< (x, dy) -> dw
  // Windows and resampling, NHWC.
  avg_pool,
  avg_pool_grad,
  max_pool,       ///< x -> (y, index within the image's H*W); ties go to the first
  max_pool_grad,  ///< (dy, index) -> dx
  max_pool_take,  ///< (x, index) -> y; the adjoint of max_pool_grad
  resize,
  resize_grad,
  // Indexing and classes.
  gather,       ///< (table [rows, d], index i32 [n]) -> [n, d]
  scatter_add,  ///< (index, values [n, d]) -> [rows, d]; in index order, hence deterministic
  one_hot,
  softmax,  ///< over the last axis
  log_softmax,
  // Batch norm over all axes but the last.
  batch_norm_train,  ///< (x, gamma, beta, running_mean, running_var) -> (y, mean, inv_std, new running_*)
  batch_norm_grad,   ///< (x, gamma, mean, inv_std, dy) -> (dx, dgamma, dbeta)
  // Norms of each sample by itself. gamma and beta, and with them dgamma and dbeta, may be left out.
  // Derivatives
  // of sample_norm_grad take mean and inv_std for what they are of x, so that dx is what depends on x.
  sample_norm,       ///< (x, gamma, beta) -> (y, mean, inv_std)
  sample_norm_grad,  ///< (x, mean, inv_std, dy, gamma) -> (dx, dgamma, dbeta)
  /// (w [rows, ..], u [rows]) -> (w / sigma, sigma, u', v) by one power iteration on w as a matrix [rows,
  /// columns]; derivatives hold u' and v fixed.
  spectral_norm,
  // Losses: a value and its gradient in one pass.
  loss,              ///< (x [, target of x's shape, or labels]) -> (value [], d value / d x); see LossAttr
  gradient_penalty,  ///< g [samples, ..] -> (value [], d value / d g, norms [samples]); see PenaltyAttr
  // Optimizers over flat buffers; the last two outputs are sum(g^2) and sum(p'^2).
  adam,     ///< (p, g, m, v, lr, correction1, correction2) -> (p', m', v', ., .)
  rmsprop,  ///< (p, g, v, momentum buffer, lr) -> (p', v', buffer', ., .)
  sgd,      ///< (p, g, momentum buffer, lr) -> (p', buffer', ., .); without momentum the buffer rests
  // Made by compile only, after all differentiation.
  elementwise,  ///< a fused chain of elementwise ops; see ElementwiseProgram
};

/// The name that explain, profiles and test reproducers use, e.g. "conv_input_grad".
std::string_view name_of(Op op);
/// True for neg .. where: the ops that an `elementwise` node can absorb.
bool is_elementwise(Op op);

enum class ActivationKind : uint8_t { identity, relu, leaky_relu, elu, tanh, sigmoid };

/// A pointwise function whose derivative is had from its output.
struct Activation {
  ActivationKind kind = ActivationKind::identity;
  double alpha = 0;  ///< leaky_relu: slope for x < 0 (> 0); elu: alpha
  bool operator==(const Activation&) const = default;
};

/// The sliding window of a convolution or pool over up to three spatial axes. Padding may differ between the
/// two ends (Keras "same"). A pool's extent is `kernel`; a convolution takes it from its weights.
struct Window {
  int rank = 2;
  std::array<int64_t, 3> kernel{1, 1, 1}, stride{1, 1, 1}, pad_lo{0, 0, 0}, pad_hi{0, 0, 0},
      dilation{1, 1, 1};
  int64_t groups = 1;
  bool count_include_pad = true;  ///< avg_pool: divide by the window's size or by its valid part
  bool operator==(const Window&) const = default;

  /// Square window in 2-D.
  static Window square(int64_t kernel, int64_t stride, int64_t pad);
  /// Output extent along spatial axis `axis` for an input extent and window extent.
  int64_t out(int axis, int64_t in, int64_t extent) const {
    const auto a = static_cast<size_t>(axis);
    return (in + pad_lo[a] + pad_hi[a] - dilation[a] * (extent - 1) - 1) / stride[a] + 1;
  }
};

enum class ResizeMode : uint8_t { nearest, bilinear_half_pixel, bilinear_align_corners, bilinear_asymmetric };

// Attributes by op; an op without a row has none.
struct FillAttr {  ///< constant
  double value = 0;
  bool operator==(const FillAttr&) const = default;
};
struct RandomAttr {  ///< random_*: the Philox stream, and p of bernoulli
  uint32_t stream = 0;
  double p = 0.5;
  bool operator==(const RandomAttr&) const = default;
};
struct ClampAttr {
  double lo = 0, hi = 0;
  bool operator==(const ClampAttr&) const = default;
};
struct AxesAttr {  ///< reduce_*: the axes; transpose: the permutation; concat: the one axis
  std::vector<int> axes;
  bool operator==(const AxesAttr&) const = default;
};
struct RangeAttr {  ///< slice: begin and end; pad: extents added before and after
  Shape lo, hi;
  bool operator==(const RangeAttr&) const = default;
};
struct MatmulAttr {
  bool transpose_a = false, transpose_b = false;
  bool operator==(const MatmulAttr&) const = default;
};
struct ResizeAttr {
  ResizeMode mode = ResizeMode::nearest;
  bool operator==(const ResizeAttr&) const = default;
};
struct BatchNormAttr {
  double eps = 1e-5;
  double momentum = 0.1;  ///< weight of the new statistic, as PyTorch's; running variance is unbiased
  bool operator==(const BatchNormAttr&) const = default;
};
enum class SampleNormKind : uint8_t {
  instance,  ///< over all axes but the first and the last; gamma and beta [channels]
  layer,     ///< over all axes but the first; gamma and beta of a sample's shape
};
struct SampleNormAttr {
  SampleNormKind kind = SampleNormKind::instance;
  double eps = 1e-5;
  bool operator==(const SampleNormAttr&) const = default;
};
struct SpectralNormAttr {
  double eps = 1e-12;   ///< the least norm that u and v are divided by
  bool iterate = true;  ///< false: u' is u
  bool operator==(const SpectralNormAttr&) const = default;
};
enum class LossKind : uint8_t {
  bce_with_logits,       ///< -t' log(sigmoid(x)) - (1 - t') log(1 - sigmoid(x)), t' = t (1 - s) + s / 2
  least_squares,         ///< (x - t)^2 / 2
  hinge,                 ///< max(0, 1 - t x); t is 1 for real scores, -1 for fake ones
  wasserstein,           ///< -t x
  l1,                    ///< |x - t|
  softmax_cross_entropy  ///< of rows of x [rows, classes] against labels [rows]; s spreads over all classes
};
struct LossAttr {  ///< value = scale * sum of the terms; the derivative at a kink is 0
  LossKind kind = LossKind::bce_with_logits;
  double target = 0;     ///< t of every element where there is no target tensor
  double smoothing = 0;  ///< s: two-sided label smoothing of bce_with_logits and softmax_cross_entropy
  double scale = 1;      ///< weight / count makes the sum a mean
  bool operator==(const LossAttr&) const = default;
};
enum class PenaltyKind : uint8_t {
  unit_norm,  ///< (|g_n| - 1)^2
  zero_norm   ///< |g_n|^2
};
std::string_view name_of(LossKind kind);
std::string_view name_of(PenaltyKind kind);
struct PenaltyAttr {  ///< value = weight * mean over samples; the derivative at |g_n| = 0 is 0
  PenaltyKind kind = PenaltyKind::unit_norm;
  double weight = 1;
  bool operator==(const PenaltyAttr&) const = default;
};
struct OptimizerAttr {
  double beta1 = 0;  ///< adam's beta1; sgd's and rmsprop's momentum is beta1 too
  double beta2 = 0;  ///< adam's beta2, rmsprop's alpha
  double eps = 0;
  double weight_decay = 0;  ///< added to the gradient (L2), as torch.optim's
  bool operator==(const OptimizerAttr&) const = default;
};

/// The body of an `elementwise` node: instruction i computes temporary i from operands that are either
/// inputs (0 .. inputs-1) or earlier temporaries (inputs + j). Output k of the node is temporary outputs[k].
struct ElementwiseProgram {
  struct Instruction {
    Op op;
    std::array<int, 3> operands{-1, -1, -1};
    Activation activation;
    ClampAttr clamp;
    bool operator==(const Instruction&) const = default;
  };
  std::vector<Instruction> code;
  std::vector<int> outputs;
  bool operator==(const ElementwiseProgram&) const = default;
};

using Attr = std::variant<std::monostate, FillAttr, RandomAttr, ClampAttr, AxesAttr, RangeAttr, MatmulAttr,
                          ResizeAttr, BatchNormAttr, SampleNormAttr, SpectralNormAttr, LossAttr, PenaltyAttr,
                          OptimizerAttr, Activation, Window, ElementwiseProgram>;

/// What compile's fusion folded into a node. `bias` and `grad_output` are further inputs behind the op's own,
/// in that order.
struct Fusion {
  bool bias = false;    ///< conv, conv_input_grad, matmul: a per-channel bias (input)
  Activation epilogue;  ///< conv family, matmul, batch_norm_train: applied to output 0 last
  Activation grad;      ///< batch_norm_grad: dy is first passed through activation_grad with y = (input)
  bool operator==(const Fusion&) const = default;
};

class Graph;

/// A handle to one value of a graph. Cheap to copy; valid while the graph lives.
class Value {
 public:
  Value() = default;
  Value(Graph* graph, int id) : graph_(graph), id_(id) {}
  bool valid() const { return graph_ != nullptr; }
  int id() const { return id_; }
  Graph& graph() const { return *graph_; }
  const Shape& shape() const;
  DType dtype() const;
  bool operator==(const Value&) const = default;

 private:
  Graph* graph_ = nullptr;
  int id_ = -1;
};

struct Node {
  Op op;
  std::vector<int> inputs;   ///< value ids
  std::vector<int> outputs;  ///< value ids
  Attr attr;
  Fusion fusion;
  std::string name;  ///< leaves: the name they bind to; others: the scope, for explain and profiles

  template <class T>
  const T& get() const {
    return std::get<T>(attr);
  }
};

struct ValueInfo {
  DType dtype = DType::f32;
  Shape shape;
  int producer = -1;  ///< node index
  int port = 0;       ///< which output of the producer
};

/// A directed acyclic graph in execution order.
class Graph {
 public:
  Graph() = default;
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  Graph(Graph&&) = default;
  Graph& operator=(Graph&&) = default;

  // Leaves.
  Value input(std::string name, Shape shape, DType dtype = DType::f32);
  Value scalar(std::string name);
  Value state(std::string name, Shape shape, DType dtype = DType::f32);
  Value constant(double value, Shape shape = {});
  /// Random leaves draw from Philox with counter (step, stream, element); streams are numbered in order of
  /// creation, or as `stream` says (the same stream twice gives the same numbers).
  Value random_normal(Shape shape, int64_t stream = -1);
  Value random_uniform(Shape shape, int64_t stream = -1);
  Value random_bernoulli(Shape shape, double p, int64_t stream = -1);

  /// Appends a node, infers its outputs' types and returns output 0. Throws Error(usage) on shapes that do
  /// not fit. The free functions below are the readable way to call it.
  Value append(Op op, std::vector<Value> inputs, Attr attr = {}, Shape target = {}, DType dtype = DType::f32);
  /// Appends a node as it is, with its outputs' types given (passes that copy or fuse nodes); returns output
  /// 0.
  Value adopt(Node node, std::span<const ValueInfo> outputs);
  /// Output `port` of the node that made `value`.
  Value port(Value value, int port);

  /// At the end of an iteration `state` holds `value` (same shape). Once per state.
  void assign(Value state, Value value);
  /// Makes `value` readable under `name` after a run. Scalars are recorded for every step.
  void output(std::string name, Value value);

  /// Names given to nodes appended while a Scope lives, e.g. "D.real/main.2".
  class Scope {
   public:
    Scope(Graph& graph, std::string_view name);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Graph& graph_;
    size_t length_;
  };

  const std::deque<Node>& nodes() const { return nodes_; }
  std::deque<Node>& nodes() { return nodes_; }
  const Node& node(int index) const { return nodes_[static_cast<size_t>(index)]; }
  const ValueInfo& value(int id) const { return values_[static_cast<size_t>(id)]; }
  int value_count() const { return static_cast<int>(values_.size()); }
  const Node& producer(int id) const { return node(value(id).producer); }
  const std::vector<std::pair<int, int>>& assignments() const { return assignments_; }  ///< (state, value)
  const std::vector<std::pair<std::string, int>>& outputs() const { return outputs_; }
  uint32_t stream_count() const { return next_stream_; }

 private:
  Value leaf(Op op, std::string name, Shape shape, DType dtype, Attr attr = {});
  Value random(Op op, Shape shape, int64_t stream, double p);

  std::deque<Node> nodes_;
  std::deque<ValueInfo> values_;  // not a vector: shape() hands out references that must outlive appends
  std::vector<std::pair<int, int>> assignments_;
  std::vector<std::pair<std::string, int>> outputs_;
  std::string scope_;
  uint32_t next_stream_ = 0;
};

// Elementwise. Scalars (double) become constants.
Value operator-(Value x);
Value operator+(Value a, Value b);
Value operator-(Value a, Value b);
Value operator*(Value a, Value b);
Value operator/(Value a, Value b);
Value operator+(Value a, double b);
Value operator-(Value a, double b);
Value operator*(Value a, double b);
Value operator/(Value a, double b);
Value operator-(double a, Value b);
Value operator/(double a, Value b);
Value abs(Value x);
Value sign(Value x);
Value exp(Value x);
Value log(Value x);
Value sqrt(Value x);
Value rsqrt(Value x);
Value softplus(Value x);
Value square(Value x);
Value clamp(Value x, double lo, double hi);
Value activation(Value x, Activation f);
Value activation_grad(Value y, Value dy, Activation f);
Value relu(Value x);
Value leaky_relu(Value x, double slope);
Value elu(Value x, double alpha);
Value tanh(Value x);
Value sigmoid(Value x);
Value maximum(Value a, Value b);
Value minimum(Value a, Value b);
Value greater(Value a, Value b);
Value greater_equal(Value a, Value b);
Value equal(Value a, Value b);
Value where(Value mask, Value a, Value b);
Value cast(Value x, DType dtype);
Value stop_gradient(Value x);

// Shape.
Value reshape(Value x, Shape shape);
Value transpose(Value x, std::vector<int> permutation);
Value broadcast_to(Value x, Shape shape);
Value concat(std::vector<Value> parts, int axis);
/// The part [begin, end) along every axis.
Value slice(Value x, Shape begin, Shape end);
/// The part [begin, end) along one axis.
Value slice(Value x, int axis, int64_t begin, int64_t end);
Value pad(Value x, Shape before, Shape after);
/// [n, h, w, c*r*r] -> [n, h*r, w*r, c], with torch.nn.PixelShuffle's channel order.
Value pixel_shuffle(Value x, int64_t factor);

// Reductions; reduced axes stay with extent 1. No axes: all.
Value reduce_sum(Value x, std::vector<int> axes = {});
Value reduce_mean(Value x, std::vector<int> axes = {});
Value reduce_max(Value x, std::vector<int> axes = {});
/// The mean over everything, as a rank-0 value.
Value mean(Value x);
/// The sum over everything, as a rank-0 value.
Value sum(Value x);

// Contractions.
/// Rank 2, or rank 3 with equal leading extent.
Value matmul(Value a, Value b, bool transpose_a = false, bool transpose_b = false);
Value conv(Value x, Value w, Window window);
/// `x_shape` [N, H, W, C] is the shape of the result.
Value conv_input_grad(Value dy, Value w, Window window, Shape x_shape);
Value conv_weight_grad(Value x, Value dy, Window window, Shape w_shape);
/// torch.nn.ConvTranspose2d with weight w KRSC = (in, kh, kw, out): conv_input_grad with the output extent
/// (in - 1) * stride - pads + dilation * (kernel - 1) + 1 + output_padding.
Value conv_transpose(Value x, Value w, Window window, int64_t output_padding = 0);

// Windows, resampling, indexing, classes.
Value avg_pool(Value x, Window window);
Value max_pool(Value x, Window window);
Value resize(Value x, int64_t height, int64_t width, ResizeMode mode);
Value gather(Value table, Value index);
Value scatter_add(Value index, Value values, int64_t rows);
Value one_hot(Value index, int64_t depth);
Value softmax(Value x);
Value log_softmax(Value x);

// Normalisation.
struct BatchNormOut {
  Value y, mean, inv_std, running_mean, running_var;
};
BatchNormOut batch_norm_train(Value x, Value gamma, Value beta, Value running_mean, Value running_var,
                              BatchNormAttr attr);
Value batch_norm_eval(Value x, Value gamma, Value beta, Value running_mean, Value running_var, double eps);
/// Normalises each sample and channel over H and W; gamma and beta [C] or invalid handles.
Value instance_norm(Value x, Value gamma, Value beta, double eps);
/// Normalises each sample over all but the batch axis; gamma and beta of the sample's shape, or invalid.
Value layer_norm(Value x, Value gamma, Value beta, double eps);
struct SpectralNormOut {
  Value w, u;
};
/// W / sigma(W) by one power iteration on W [K, rest] from u [K] (Miyato et al. 2018;
/// torch.nn.utils.spectral_norm in training mode). Gradients pass through W in sigma, not through u and v.
/// With `iterate` false u stays.
SpectralNormOut spectral_norm(Value w, Value u, double eps = 1e-12, bool iterate = true);
/// Zeroes with probability p and scales the rest by 1 / (1 - p).
Value dropout(Value x, double p);

// Losses, rank 0. Each is one pass over its operand: the gradient comes out of the same kernel.
/// weight * the mean over all elements of the loss against `target`: one number, or a tensor of x's shape.
Value mean_loss(LossKind kind, Value x, double target, double weight = 1, double smoothing = 0);
Value mean_loss(LossKind kind, Value x, Value target, double weight = 1, double smoothing = 0);
/// weight * the mean over rows of -log softmax(x)[label], for x [rows, classes] and i32 labels [rows].
Value softmax_cross_entropy(Value x, Value labels, double weight = 1, double smoothing = 0);
/// weight * the mean over samples n (the first axis) of a penalty on the Euclidean norm of g_n: unit_norm
/// (Gulrajani et al., NeurIPS 2017), zero_norm (R1 with weight = gamma / 2; Mescheder et al., ICML 2018).
Value norm_penalty(PenaltyKind kind, Value g, double weight);

/// d(loss)/d(wrt[i]) for each i, as new nodes of the same graph; loss is a scalar. Zero constants where the
/// loss does not depend on wrt[i]. Results can be differentiated again.
std::vector<Value> grad(Value loss, std::span<const Value> wrt);
/// The vector-Jacobian product for a non-scalar `y` with cotangent `dy`.
std::vector<Value> vjp(Value y, Value dy, std::span<const Value> wrt);

/// Throws Error(internal) when an in-place update is followed by a read of the older version.
void verify(const Graph& graph);

}  // namespace agon
