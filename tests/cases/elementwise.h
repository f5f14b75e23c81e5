#pragma once
#include "cases/case.h"

namespace agon::cases {

inline Kinds elementwise_kinds() {
  Kinds kinds;
  const auto unary = [&](Op op, Domain domain) {
    kinds[std::string(name_of(op))] = [=](Case& c, const Descriptor& d) {
      c.result(c.graph.append(op, {c.operand(d.shape("s"), domain)}));
    };
  };
  for (Op op : {Op::neg, Op::abs, Op::sign, Op::exp, Op::softplus}) unary(op, Domain::grid);
  for (Op op : {Op::log, Op::sqrt, Op::rsqrt}) unary(op, Domain::positive);

  const auto binary = [&](Op op, Domain second) {
    kinds[std::string(name_of(op))] = [=](Case& c, const Descriptor& d) {
      Value a = c.operand(d.shape("a"));
      c.result(c.graph.append(op, {a, c.operand(d.shape("b"), second)}));
    };
  };
  for (Op op : {Op::add, Op::sub, Op::mul, Op::maximum, Op::minimum, Op::greater, Op::greater_equal})
    binary(op, Domain::grid);
  binary(Op::div, Domain::positive);

  kinds["equal"] = [](Case& c, const Descriptor& d) {
    Value a = c.fixed(d.shape("a"), Domain::mask);
    c.result(equal(a, c.fixed(d.shape("b"), Domain::mask)));
  };
  kinds["clamp"] = [](Case& c, const Descriptor& d) {
    c.result(clamp(c.operand(d.shape("s")), d.real("lo", -0.5), d.real("hi", 0.75)));
  };
  kinds["activation"] = [](Case& c, const Descriptor& d) {
    c.result(activation(c.operand(d.shape("s")), activation_of(d)));
  };
  kinds["activation_grad"] = [](Case& c, const Descriptor& d) {
    Value y = c.operand(d.shape("a"));
    c.result(activation_grad(y, c.operand(d.shape("b")), activation_of(d)));
  };
  kinds["where"] = [](Case& c, const Descriptor& d) {
    Value mask = c.fixed(d.shape("m"), Domain::mask), a = c.operand(d.shape("a"));
    c.result(where(mask, a, c.operand(d.shape("b"))));
  };
  kinds["cast"] = [](Case& c, const Descriptor& d) {
    if (d.text("to") == "bf16")
      c.result(square(cast(cast(c.operand(d.shape("s")), DType::bf16), DType::f32)));
    else if (d.text("to") == "i32")
      c.note(cast(c.fixed(d.shape("s"), Domain::mask) * 3.0, DType::i32));
    else
      c.note(cast(c.index(d.shape("s"), 100), DType::f32) + 0.0);
  };
  // A fused chain as compile makes it: t = a * b, u = leaky_relu(t), v = clamp(u - a); both u and v leave.
  kinds["elementwise"] = [](Case& c, const Descriptor& d) {
    Value a = c.operand(d.shape("a")), b = c.operand(d.shape("b"));
    ElementwiseProgram program;
    program.code = {{Op::mul, {0, 1, -1}, {}, {}},
                    {Op::activation, {2, -1, -1}, {ActivationKind::leaky_relu, 0.2}, {}},
                    {Op::sub, {3, 0, -1}, {}, {}},
                    {Op::clamp, {4, -1, -1}, {}, {-1, 1.5}}};
    program.outputs = {1, 3};
    const ValueInfo type{DType::f32, broadcast(a.shape(), b.shape())};
    const std::array<ValueInfo, 2> types{type, type};
    c.operands.clear();  // made by compile only, hence without derivative
    Value y = c.graph.adopt({Op::elementwise, {a.id(), b.id()}, {}, program, {}, "chain"}, types);
    c.note(y);
    c.note(c.graph.port(y, 1));
  };
  return kinds;
}

}  // namespace agon::cases
