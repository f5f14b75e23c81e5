#pragma once
#include "cases/case.h"

namespace agon::cases {

template <class Kind>
Kind kind_of(const Descriptor& d, int count) {
  for (int i = 0; i < count; ++i)
    if (name_of(static_cast<Kind>(i)) == d.text("k")) return static_cast<Kind>(i);
  fail(ErrorKind::usage, "descriptor: unknown kind in '{}'", d.line());
}

inline Kinds loss_kinds() {
  Kinds kinds;
  // Both results enter, so that derivatives go through the gradient as well as the value; `only` takes one.
  kinds["loss"] = [](Case& c, const Descriptor& d) {
    LossAttr attr{kind_of<LossKind>(d, 6), d.real("t", 0), d.real("smooth", 0), d.real("scale", 0.75)};
    const Shape shape = d.shape("s");
    std::vector<Value> in{c.operand(shape)};
    if (attr.kind == LossKind::softmax_cross_entropy)
      in.push_back(c.index({shape[0]}, shape[1]));
    else if (d.has("tensor"))
      in.push_back(c.operand(shape));
    const Value value = c.graph.append(Op::loss, in, attr);
    if (d.text("only") != "grad") c.result(value);
    if (d.text("only") != "value") c.result(c.graph.port(value, 1));
  };
  // `zero` makes the first sample's gradient vanish.
  kinds["gradient_penalty"] = [](Case& c, const Descriptor& d) {
    const PenaltyAttr attr{kind_of<PenaltyKind>(d, 2), d.real("weight", 1.5)};
    const Shape shape = d.shape("s");
    Value g = c.operand(shape);
    if (d.has("zero")) g = concat({slice(g, 0, 0, 1) * 0.0, slice(g, 0, 1, shape[0])}, 0);
    const Value value = c.graph.append(Op::gradient_penalty, {g}, attr);
    for (int port = 0; port < 3; ++port) {
      static constexpr const char* names[] = {"value", "grad", "norms"};
      if (!d.has("only") || d.text("only") == names[port]) c.result(c.graph.port(value, port));
    }
  };
  // The builders' means, weighted, as the losses of a game are made.
  kinds["mean_losses"] = [](Case& c, const Descriptor& d) {
    const Value x = c.operand(d.shape("s")), t = c.operand(d.shape("s"));
    Value total = mean_loss(LossKind::bce_with_logits, x, 0.9) + mean_loss(LossKind::l1, x, t, 10);
    total = total + softmax_cross_entropy(x, c.index({x.shape()[0]}, x.shape()[1]), 0.5, 0.1);
    c.result(total + norm_penalty(PenaltyKind::zero_norm, x * t, 2));
  };
  return kinds;
}

}  // namespace agon::cases
