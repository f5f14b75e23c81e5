#include <vector>

#include "agon/graph.h"

#include "catch.h"

using namespace agon;

// Were shape inference off, a transposed convolution would give images of another size than PyTorch's.
TEST_CASE("convolution and its transpose have PyTorch's output sizes") {
  Graph g;
  Value x = g.input("x", {2, 28, 28, 1});
  Value y = conv(x, g.input("w", {8, 5, 5, 1}), Window::square(5, 2, 2));
  CHECK(y.shape() == Shape{2, 14, 14, 8});
  CHECK(conv_transpose(y, g.input("v", {8, 4, 4, 3}), Window::square(4, 2, 1)).shape() ==
        Shape{2, 28, 28, 3});
  CHECK(conv_transpose(y, g.input("t", {8, 3, 3, 3}), Window::square(3, 2, 1), 1).shape() ==
        Shape{2, 28, 28, 3});
}

// Were a misfit accepted, a backend would read past the end of a buffer.
TEST_CASE("shapes that do not fit are refused with both shapes named") {
  Graph g;
  Value x = g.input("x", {2, 8, 8, 3}), w = g.input("w", {4, 3, 3, 5});
  CHECK_THROWS_WITH(conv(x, w, Window::square(3, 1, 1)),
                    "conv: channels do not fit; the operands are [2, 8, 8, 3], [4, 3, 3, 5]");
  CHECK_THROWS_AS(matmul(g.input("a", {2, 3}), g.input("b", {2, 3})), Error);
  CHECK_THROWS_AS(reshape(x, {5}), Error);
  CHECK_THROWS_AS(slice(x, 1, 3, 9), Error);
}

// Were weight gradients built for values that nobody asked for, the generator's move would cost twice as
// much.
TEST_CASE("grad appends only what lies between the loss and wrt") {
  Graph g;
  Value x = g.input("x", {2, 8, 8, 3}), w = g.input("w", {4, 3, 3, 3});
  Value loss = mean(square(leaky_relu(conv(x, w, Window::square(3, 1, 1)), 0.2)));
  const std::vector<Value> wrt{x};
  grad(loss, wrt);
  for (const Node& node : g.nodes()) CHECK(node.op != Op::conv_weight_grad);
}

// Were a state assignable twice, one of two updates would be lost silently.
TEST_CASE("a state has one final value and one name") {
  Graph g;
  Value s = g.state("s", {4});
  g.assign(s, s + 1.0);
  CHECK_THROWS_AS(g.assign(s, s + 2.0), Error);
  CHECK_THROWS_AS(g.state("s", {4}), Error);
}
