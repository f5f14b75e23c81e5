#include <cmath>
#include <set>

#include "agon/program.h"

#include "cases/cases.h"
#include "cases/run.h"
#include "catch.h"

using namespace agon;
using cases::Case;

namespace {

constexpr double tolerance = 1e-6;

/// Runs a case with its operands moved, element by element.
class Probe {
 public:
  explicit Probe(const Case& subject)
      : case_(subject), backend_(open_backend("reference")), run_(*backend_, subject, false) {
    const auto& names = run_.program().scalar_names();
    for (size_t i = 0; i < names.size(); ++i) place_[names[i]] = i;
  }

  Tensor read(const std::string& output) { return run_.program().read(output); }

  std::vector<double> losses() {
    run_.reset();
    run_.program().run(0);
    const auto record = run_.program().drain().back();
    return {record.values[place_.at("loss")], record.values[place_.at("loss2")]};
  }

  /// Five-point central differences of (loss, loss2) by each element of an input.
  std::vector<std::array<double, 2>> differences(const Case::Fed& input) {
    constexpr double h = 9.765625e-4;  // stays within 1/256 of the operand, see cases::Domain
    std::vector<std::array<double, 2>> result(static_cast<size_t>(input.data.numel()));
    Tensor moved = input.data.clone();
    const auto values = moved.as<double>();
    for (size_t i = 0; i < result.size(); ++i) {
      const double at = values[i];
      for (const auto& [steps, weight] : {std::pair{-2, 1.0}, {-1, -8.0}, {1, 8.0}, {2, -1.0}}) {
        values[i] = at + steps * h;
        run_.program().write(input.name, moved);
        const auto loss = losses();
        for (size_t k = 0; k < 2; ++k) result[i][k] += weight * loss[k] / (12 * h);
      }
      values[i] = at;
    }
    run_.program().write(input.name, input.data);
    return result;
  }

 private:
  const Case& case_;
  std::shared_ptr<Backend> backend_;
  cases::CaseRun run_;
  std::map<std::string, size_t> place_;
};

/// max|difference| / max|value|; the absolute difference where all is 0.
double error(const Tensor& derivative, const std::vector<std::array<double, 2>>& differences, size_t order) {
  const auto values = derivative.as<double>();
  double worst = 0, largest = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double difference = std::abs(values[i] - differences[i][order]);
    worst = std::max(worst, std::isnan(difference) ? INFINITY : difference);
    largest = std::max(largest, std::abs(values[i]));
  }
  return largest > 0 ? worst / largest : worst;
}

void check_derivatives(const std::string& line) {
  INFO(line);
  const auto subject = cases::make_case(line);
  const size_t first = subject->operands.size();
  REQUIRE(first > 0);
  subject->differentiate(true);
  Probe probe(*subject);
  probe.losses();
  std::map<std::string, Tensor> derivatives;
  for (const auto& [name, value] : subject->graph.outputs()) derivatives[name] = probe.read(name);
  for (size_t i = 0; i < subject->operands.size(); ++i) {
    const std::string& name = subject->graph.producer(subject->operands[i].id()).name;
    const auto input = std::ranges::find(subject->inputs, name, &Case::Fed::name);
    const auto differences = probe.differences(*input);
    INFO("by operand " << name << " " << input->data.shape().str());
    if (i < first) CHECK(error(derivatives.at("d" + std::to_string(i)), differences, 0) <= tolerance);
    CHECK(error(derivatives.at("dd" + std::to_string(i)), differences, 1) <= tolerance);
  }
}

const std::vector<std::string> lines{
    "input s:2x3",
    "neg s:2x3",
    "abs s:2x3",
    "sign s:2x3",
    "exp s:2x3",
    "log s:2x3",
    "sqrt s:2x3",
    "rsqrt s:2x3",
    "softplus s:2x3",
    "clamp s:4x5",
    "activation f:relu s:3x4",
    "activation f:leaky_relu s:3x4",
    "activation f:elu s:3x4",
    "activation f:elu alpha0.7 s:3x4",
    "activation f:tanh s:3x4",
    "activation f:sigmoid s:3x4",
    "activation_grad f:relu a:3x4 b:3x4",
    "activation_grad f:leaky_relu a:3x4 b:3x4",
    "activation_grad f:elu a:3x4 b:3x4",
    "activation_grad f:tanh a:3x4 b:3x4",
    "activation_grad f:sigmoid a:3x4 b:3x4",
    "add a:2x3 b:2x3",
    "add a:2x3x4 b:3x1",
    "add a:4x1 b:-",
    "sub a:1x3 b:4x1",
    "mul a:2x3 b:2x3",
    "mul a:2x3x2 b:2",
    "div a:3x2 b:3x2",
    "div a:3x1 b:1x4",
    "maximum a:3x4 b:3x4",
    "maximum a:3x4 b:4",
    "minimum a:3x4 b:3x4",
    "minimum a:1x4 b:3x1",
    "greater a:3x4 b:4",
    "greater_equal a:3x4 b:3x4",
    "where m:3x4 a:3x4 b:3x4",
    "where m:3x1 a:4 b:3x4",
    "cast to:bf16 s:2x3",
    "reshape s:2x6 to:3x4",
    "transpose s:2x3x4 axes:2,0,1",
    "broadcast_to s:3x1 to:2x3x4",
    "concat a:2x3 b:2x1 c:2x2 axis1",
    "concat a:1x3 b:2x3 axis0",
    "slice s:4x5x2 lo:1x0x1 hi:3x4x2",
    "pad s:2x3 lo:1x0 hi:0x2",
    "reduce_sum s:2x3x4 axes:0,2",
    "reduce_max s:2x3x4 axes:1",
    "reduce_max s:3x5 axes:0,1",
    "matmul m2 n3 k4",
    "matmul m2 n3 k4 ta1",
    "matmul m2 n3 k4 tb1",
    "matmul m2 n3 k4 ta1 tb1 mb2",
    "conv mb2 ih5 iw4 ic2 oc3 kh3 kw2 sh2 sw1 pt1 pl0 pb0 pr1",
    "conv mb1 ih5 iw5 ic4 oc4 kh3 kw3 pt1 pl1 pb1 pr1 g2",
    "conv mb1 ih6 iw6 ic1 oc2 kh3 kw2 pt2 pl1 pb2 pr1 d2",
    "conv rank1 mb2 iw7 ic2 oc2 kw3 sw2 pl1 pr1",
    "conv rank3 mb1 id3 ih3 iw4 ic1 oc2 kd2 kh2 kw3 sw2 pl1 pf1",
    "conv_input_grad mb2 ih5 iw4 ic2 oc3 kh3 kw2 sh2 sw1 pt1 pl0 pb0 pr1",
    "conv_input_grad mb1 ih5 iw5 ic4 oc4 kh3 kw3 pt1 pl1 pb1 pr1 g2",
    "conv_weight_grad mb2 ih5 iw4 ic2 oc3 kh3 kw2 sh2 sw1 pt1 pl0 pb0 pr1",
    "conv_weight_grad mb1 ih6 iw6 ic2 oc2 kh3 kw2 pt2 pl1 pb2 pr1 d2 g2",
    "avg_pool mb2 ih5 iw4 ic2 kh3 kw2 sh2 sw2 pt1 pr1",
    "avg_pool mb1 ih5 iw5 ic2 kh3 kw3 sh2 sw2 pt1 pl1 pb1 pr1 cip0",
    "avg_pool_grad mb2 ih5 iw4 ic2 kh3 kw2 sh2 sw2 pt1 pr1",
    "max_pool mb2 ih5 iw4 ic2 kh3 kw2 sh2 sw1 pt1 pl1 pb1",
    "max_pool_grad mb2 ih5 iw4 ic2 kh3 kw2 sh2 sw1 pt1 pl1 pb1",
    "max_pool_take mb2 ih5 iw4 ic2 kh3 kw2 sh2 sw1 pt1 pl1 pb1",
    "resize mode:nearest mb2 ih3 iw4 ic2 oh5 ow3",
    "resize mode:half_pixel mb1 ih3 iw4 ic2 oh5 ow3",
    "resize mode:align_corners mb1 ih3 iw4 ic2 oh5 ow3",
    "resize mode:asymmetric mb1 ih3 iw4 ic2 oh5 ow3",
    "resize_grad mode:half_pixel mb1 ih3 iw4 ic2 oh5 ow3",
    "resize_grad mode:nearest mb1 ih3 iw4 ic2 oh5 ow3",
    "gather rows5 w3 n4",
    "scatter_add rows5 w3 n6",
    "softmax s:3x4",
    "log_softmax s:3x4",
    "batch_norm_train s:3x2x2x2",
    "batch_norm_train s:5x3",
    "batch_norm_grad s:2x2x1x3",
    "sample_norm over:instance s:2x3x2x2",
    "sample_norm over:instance s:2x5x3 affine0",
    "sample_norm over:layer s:2x2x1x3",
    "sample_norm over:layer s:3x4 affine0",
    "sample_norm_grad over:instance s:2x3x2x2",
    "sample_norm_grad over:instance s:2x5x3 affine0",
    "sample_norm_grad over:layer s:2x2x1x3",
    "sample_norm_grad over:layer s:3x4 affine0",
    "loss k:bce_with_logits s:2x3 t:1 smooth:0.2",
    "loss k:bce_with_logits s:2x3 tensor1 smooth:0.1",
    "loss k:least_squares s:5 t:1",
    "loss k:least_squares s:5 tensor1",
    "loss k:hinge s:2x3 t:-1",
    "loss k:hinge s:2x3 tensor1",
    "loss k:wasserstein s:5 t:-1",
    "loss k:wasserstein s:5 tensor1",
    "loss k:l1 s:2x3 t:0.5",
    "loss k:l1 s:2x3 tensor1",
    "loss k:softmax_cross_entropy s:3x4 smooth:0.1",
    "gradient_penalty k:unit_norm s:3x2x2",
    "gradient_penalty k:zero_norm s:3x2x2",
    // Composites.
    "scalar s:2x3",
    "state s:2x3",
    "batch_norm_eval s:2x2x2x3",
    "instance_norm s:2x3x2x2",
    "layer_norm s:2x2x2x2",
    "pixel_shuffle s:1x2x3x8",
    "dropout s:3x5",
    "bn_act s:4x2x1x3 f:leaky_relu",
    "bn_act s:4x2x1x3 f:elu",
    "bn_act_shared s:4x3 f:tanh",
    "conv_bias_act mb2 ih4 iw4 ic2 oc2 kh3 kw3 pt1 pl1 pb1 pr1 f:elu",
    "conv_transpose_bias_act mb2 ih4 iw4 ic2 oc2 kh4 kw4 sh2 sw2 pt1 pl1 pb1 pr1 f:tanh",
    "matmul_bias_act m3 n2 k4 f:sigmoid",
    "chain a:2x3x4 b:3x1",
    "chain_reduce a:3x4",
    "bce_logits s:5",
    "critic_penalty mb2 ih3 iw3 ic2 oc2 kh2 kw2 f:tanh",
};

/// Ops without a derivative to compare: nothing float goes in, or nothing passes back by definition.
const std::set<Op> without_derivative{
    Op::scalar,
    Op::state,
    Op::constant,
    Op::random_normal,
    Op::random_uniform,
    Op::random_bernoulli,
    Op::equal,
    Op::one_hot,
    Op::adam,
    Op::rmsprop,
    Op::sgd,
    Op::elementwise,
    Op::stop_gradient,  // has a test of its own
    Op::spectral_norm,  // likewise
};

}  // namespace

// Were an adjoint rule wrong, networks would train towards something else than their loss; were it wrong the
// second time, gradient penalties would.
TEST_CASE("first and second derivatives equal central differences") {
  for (const std::string& line : lines) check_derivatives(line);
}

// Were an op added without a case, its derivatives would go untested.
TEST_CASE("every differentiable op has a derivative case") {
  std::set<std::string> kinds;
  for (const std::string& line : lines) kinds.insert(cases::Descriptor(line).kind());
  for (Op op : cases::all_ops()) {
    INFO(name_of(op));
    CHECK((without_derivative.contains(op) || kinds.contains(std::string(name_of(op)))));
  }
}
