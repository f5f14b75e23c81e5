#include "graph/passes/passes.h"

#include <algorithm>
#include <vector>

#include "catch.h"

using namespace agon;

namespace {

class FuseAll : public FusionPolicy {
 public:
  std::string against_epilogue(const Graph&, const Node&, bool, Activation) const override { return {}; }
  std::string against_norm_epilogue(const Graph&, const Node&, Activation) const override { return {}; }
  std::string against_norm_grad(const Graph&, const Node&, Activation) const override { return {}; }
};

auto count(const Graph& graph, Op op) {
  return std::ranges::count_if(graph.nodes(), [op](const Node& node) { return node.op == op; });
}

/// A discriminator's start: conv + bias + LeakyReLU, conv + batch norm + LeakyReLU, with its parameter
/// gradients.
Graph two_layers() {
  Graph g;
  Value x = g.input("x", {4, 8, 8, 3});
  Value w1 = g.state("w1", {16, 4, 4, 3}), b1 = g.state("b1", {16}), w2 = g.state("w2", {32, 4, 4, 16});
  Value gamma = g.state("gamma", {32}), beta = g.state("beta", {32});
  Value mean_ = g.state("mean", {32}), var = g.state("var", {32});
  Value h = leaky_relu(conv(x, w1, Window::square(4, 2, 1)) + b1, 0.2);
  Value y =
      leaky_relu(batch_norm_train(conv(h, w2, Window::square(4, 2, 1)), gamma, beta, mean_, var, {}).y, 0.2);
  Value loss = mean(y);
  g.output("loss", loss);
  const std::vector<Value> wrt{w1, b1, w2, gamma, beta};
  const auto grads = grad(loss, wrt);
  for (size_t i = 0; i < wrt.size(); ++i) g.assign(wrt[i], wrt[i] - grads[i] * 0.1);
  return g;
}

}  // namespace

// Were these left apart, every layer would read and write its activations two or three times more.
TEST_CASE("bias, activation and both directions of batch norm fuse") {
  const Fused fused = optimise(two_layers(), FuseAll(), true);
  CHECK(count(fused.graph, Op::activation) == 0);
  const Node& conv1 =
      *std::ranges::find_if(fused.graph.nodes(), [](const Node& n) { return n.op == Op::conv; });
  CHECK(conv1.fusion.bias);
  CHECK(conv1.fusion.epilogue == Activation{ActivationKind::leaky_relu, 0.2});
  for (const Node& node : fused.graph.nodes()) {
    if (node.op == Op::batch_norm_train) CHECK(node.fusion.epilogue.kind == ActivationKind::leaky_relu);
    if (node.op == Op::batch_norm_grad) CHECK(node.fusion.grad.kind == ActivationKind::leaky_relu);
  }
  CHECK_FALSE(fused.notes.empty());
}

// Were dead work kept, the generator's move would pay for gradients that nobody reads.
TEST_CASE("work that no output or state needs is removed") {
  Graph g;
  Value x = g.input("x", {8});
  Value unused = exp(x);
  static_cast<void>(unused);
  g.output("y", x + 1.0);
  CHECK(count(remove_dead(g), Op::exp) == 0);
}

// Were these identities kept, second derivatives would be full of multiplications by one.
TEST_CASE("simplify folds constants and drops identities") {
  Graph g;
  Value x = g.input("x", {2, 3});
  Value two = g.constant(1) + 1.0;
  g.output("y", -(-(stop_gradient(reshape(reshape(x * 1.0 + 0.0, {6}), {2, 3}) * two) * 0.5)));
  const Graph simple = remove_dead(simplify(g));
  CHECK(simple.outputs()[0].second == simple.nodes()[0].outputs[0]);
}

// Were equal subexpressions computed twice, shared sums in the gradient penalty would cost double.
TEST_CASE("simplify merges equal nodes but not different random streams") {
  Graph g;
  Value x = g.input("x", {4});
  g.output("a", exp(x) + exp(x));
  g.output("b", g.random_uniform({4}) + g.random_uniform({4}));
  const Graph simple = simplify(g);
  CHECK(count(simple, Op::exp) == 1);
  CHECK(count(simple, Op::random_uniform) == 2);
}

// Were a read moved past an in-place update, it would see the new parameters.
TEST_CASE("a read of an older version of a state is refused") {
  Graph g;
  Value p = g.state("p", {4}), m = g.state("m", {4}), lr = g.scalar("lr");
  Value updated = g.append(Op::sgd, {p, g.input("g", {4}), m, lr}, OptimizerAttr{});
  g.assign(p, updated);
  g.output("ok", sum(updated));
  verify(g);
  g.output("stale", sum(p));
  CHECK_THROWS_AS(verify(g), Error);
}

// Were one-pixel convolutions left as they are, a generator's first layer would run three times slower.
TEST_CASE("one-pixel convolutions become matrix products") {
  Graph g;
  Value z = g.input("z", {4, 1, 1, 10}), w = g.state("w", {10, 4, 4, 6});
  Value x = conv_transpose(z, w, Window::square(4, 1, 0));
  g.output("y", conv(x, g.state("v", {1, 4, 4, 6}), Window::square(4, 1, 0)));
  const Graph products = contract_to_matmul(g);
  CHECK(count(products, Op::matmul) == 2);
  CHECK(count(products, Op::conv) + count(products, Op::conv_input_grad) == 0);
}
