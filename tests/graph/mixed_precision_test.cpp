#include "graph/passes/mixed_precision.h"

#include <map>

#include "catch.h"
#include "graph/passes/passes.h"

using namespace agon;

namespace {

/// A critic of two convolutions with its update: weights are slices of one flat state.
Graph critic() {
  Graph graph;
  Value image = graph.input("image", {4, 8, 8, 3});
  Value params = graph.state("params", {16 * 16 * 3 + 16 * 16}),
        momentum = graph.state("momentum", params.shape());
  Value first = reshape(slice(params, {0}, {768}), {16, 4, 4, 3});
  Value second = reshape(slice(params, {768}, {1024}), {1, 4, 4, 16});
  Value hidden = leaky_relu(conv(image, first, Window::square(4, 2, 1)), 0.2);
  Value logits = conv(hidden, second, Window::square(4, 1, 0));
  Value loss = mean(softplus(logits));
  const std::vector<Value> weights{first, second}, gradients = grad(loss, weights);
  Value flat = concat({reshape(gradients[0], {768}), reshape(gradients[1], {256})}, 0);
  Value updated = graph.append(Op::sgd, {params, flat, momentum, graph.scalar("lr")}, OptimizerAttr{});
  graph.assign(params, updated);
  graph.assign(momentum, graph.port(updated, 1));
  graph.output("loss", loss);
  return remove_dead(simplify(graph));
}

std::map<Op, int> count(const Graph& graph, DType result) {
  std::map<Op, int> counts;
  for (const Node& node : graph.nodes()) counts[node.op] += graph.value(node.outputs[0]).dtype == result;
  return counts;
}

}  // namespace

// Were parameters cast layer by layer, or what stays f32 narrowed, speed or convergence would be lost.
TEST_CASE("mixed precision casts inputs and flat parameters once and keeps gradients and losses f32") {
  const Graph graph = mixed_precision(critic());
  auto narrow = count(graph, DType::bf16);
  CHECK(narrow[Op::cast] == 2);
  CHECK(narrow[Op::conv_weight_grad] == 0);
  CHECK(narrow[Op::sgd] == 0);
  CHECK(narrow[Op::softplus] == 0);
  CHECK(narrow[Op::reduce_sum] == 0);
  CHECK(narrow[Op::state] == 0);
  for (const Node& node : graph.nodes()) {
    const bool contraction =
        node.op == Op::conv || node.op == Op::conv_input_grad || node.op == Op::conv_weight_grad;
    if (!contraction) continue;
    INFO(name_of(node.op) << " " << graph.value(node.outputs[0]).shape.str());
    CHECK(graph.value(node.inputs[0]).dtype == DType::bf16);
    CHECK(graph.value(node.inputs[1]).dtype == DType::bf16);
  }
  // The hidden layer and its gradient; the logits are what the loss reads. The other activation is the
  // derivative of softplus.
  CHECK(narrow[Op::conv] == 1);
  CHECK(narrow[Op::activation] == 2);
  CHECK(narrow[Op::conv_input_grad] == 1);
  CHECK_NOTHROW(verify(graph));
}

// Were power iterations narrowed, spectral norms would carry bf16's error into every weight.
TEST_CASE("mixed precision leaves products of weights alone in f32") {
  Graph graph;
  Value w = graph.state("w", {8, 16}), u = graph.state("u", {1, 8}), x = graph.input("x", {4, 16});
  Value next = matmul(u, w);
  graph.assign(u, matmul(next, w, false, true));
  graph.output("y", matmul(x, w * 2.0, false, true));
  const Graph mixed = mixed_precision(graph);
  for (const Node& node : mixed.nodes()) {
    if (node.op != Op::matmul) continue;
    const bool of_batch = mixed.value(node.inputs[0]).shape[0] == 4;
    CHECK((mixed.value(node.inputs[0]).dtype == DType::bf16) == of_batch);
    CHECK((mixed.value(node.inputs[1]).dtype == DType::bf16) == of_batch);
  }
}
