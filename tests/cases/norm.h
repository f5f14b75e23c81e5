#pragma once
#include "cases/case.h"

namespace agon::cases {

/// batch_norm_train of `x` with its four per-channel operands; the running statistics are states.
inline BatchNormOut batch_norm_of(Case& c, Value x, const std::string& name = "bn") {
  const Shape channel{x.shape()[-1]};
  Value gamma = c.operand(channel, Domain::positive), beta = c.operand(channel);
  Value mean = c.state(name + ".running_mean", channel),
        var = c.state(name + ".running_var", channel, Domain::positive);
  BatchNormOut out = batch_norm_train(x, gamma, beta, mean, var, {});
  c.graph.assign(mean, out.running_mean);
  c.graph.assign(var, out.running_var);
  c.runs = 2;
  return out;
}

inline SampleNormAttr sample_norm_of(const Descriptor& d) {
  return {d.text("over") == "layer" ? SampleNormKind::layer : SampleNormKind::instance, d.real("eps", 1e-5)};
}
inline Shape affine_shape(const Shape& x, const SampleNormAttr& attr) {
  if (attr.kind == SampleNormKind::instance) return {x[-1]};
  Shape sample;
  for (int i = 1; i < x.rank(); ++i) sample.push_back(x[i]);
  return sample;
}

inline Kinds norm_kinds() {
  Kinds kinds;
  kinds["softmax"] = [](Case& c, const Descriptor& d) { c.result(softmax(c.operand(d.shape("s")))); };
  kinds["log_softmax"] = [](Case& c, const Descriptor& d) { c.result(log_softmax(c.operand(d.shape("s")))); };
  kinds["batch_norm_train"] = [](Case& c, const Descriptor& d) {
    BatchNormOut out = batch_norm_of(c, c.operand(d.shape("s")));
    c.result(out.y);
    c.result(out.mean);
    c.result(out.inv_std);
  };
  kinds["batch_norm_grad"] = [](Case& c, const Descriptor& d) {
    const Shape shape = d.shape("s"), channel{shape[-1]};
    Value x = c.operand(shape), gamma = c.operand(channel, Domain::positive), mean = c.operand(channel),
          inv_std = c.operand(channel, Domain::positive);
    Value dx =
        c.graph.append(Op::batch_norm_grad, {x, gamma, mean, inv_std, c.operand(shape)}, BatchNormAttr{});
    c.result(dx);
    c.result(c.graph.port(dx, 1));
    c.result(c.graph.port(dx, 2));
  };
  kinds["batch_norm_eval"] = [](Case& c, const Descriptor& d) {
    const Shape shape = d.shape("s"), channel{shape[-1]};
    Value x = c.operand(shape), gamma = c.operand(channel), beta = c.operand(channel),
          mean = c.operand(channel);
    c.result(batch_norm_eval(x, gamma, beta, mean, c.operand(channel, Domain::positive), 1e-5));
  };
  kinds["sample_norm"] = [](Case& c, const Descriptor& d) {
    const Value x = c.operand(d.shape("s"));
    const SampleNormAttr attr = sample_norm_of(d);
    std::vector<Value> operands{x};
    if (d.integer("affine", 1) != 0)
      for (int i = 0; i < 2; ++i) operands.push_back(c.operand(affine_shape(x.shape(), attr)));
    Value y = c.graph.append(Op::sample_norm, operands, attr);
    c.result(y);
    c.result(c.graph.port(y, 1));
    c.result(c.graph.port(y, 2));
  };
  kinds["sample_norm_grad"] = [](Case& c, const Descriptor& d) {
    const Value x = c.operand(d.shape("s"));
    const SampleNormAttr attr = sample_norm_of(d);
    Value y = c.graph.append(Op::sample_norm, {x}, attr);
    std::vector<Value> operands{x, c.graph.port(y, 1), c.graph.port(y, 2), c.operand(x.shape())};
    const bool affine = d.integer("affine", 1) != 0;
    if (affine) operands.push_back(c.operand(affine_shape(x.shape(), attr)));
    Value dx = c.graph.append(Op::sample_norm_grad, operands, attr);
    c.result(dx);
    for (int i = 1; affine && i < 3; ++i) c.result(c.graph.port(dx, i));
  };
  kinds["instance_norm"] = [](Case& c, const Descriptor& d) {
    const Shape shape = d.shape("s"), channel{shape[-1]};
    Value x = c.operand(shape), gamma = c.operand(channel);
    c.result(instance_norm(x, gamma, c.operand(channel), 1e-5));
  };
  kinds["layer_norm"] = [](Case& c, const Descriptor& d) {
    const Shape shape = d.shape("s");
    Shape sample;
    for (int i = 1; i < shape.rank(); ++i) sample.push_back(shape[i]);
    Value x = c.operand(shape), gamma = c.operand(sample);
    c.result(layer_norm(x, gamma, c.operand(sample), 1e-5));
  };
  kinds["spectral_norm"] = [](Case& c, const Descriptor& d) {
    const Shape shape = d.shape("s");
    Value w = c.operand(shape), u = c.state("u", {shape[0]});
    SpectralNormOut out = spectral_norm(w, u, 1e-12, d.integer("iterate", 1) != 0);
    c.graph.assign(u, out.u);
    c.result(out.w);
    c.runs = 3;
  };
  kinds["dropout"] = [](Case& c, const Descriptor& d) {
    c.result(dropout(c.operand(d.shape("s")), d.real("p", 0.3)));
  };
  return kinds;
}

inline Kinds optimizer_kinds() {
  Kinds kinds;
  const auto make = [&](Op op) {
    kinds[std::string(name_of(op))] = [op](Case& c, const Descriptor& d) {
      const Shape shape{d.integer("n", 7)};
      const OptimizerAttr attr{d.real("beta1", 0), d.real("beta2", 0.99), d.real("eps", 1e-8),
                               d.real("wd", 0)};
      std::vector<Value> in{c.state("p", shape), c.fixed(shape)};
      // The slots of squares hold what averages of squares can hold.
      std::vector<Domain> slots{Domain::grid};
      if (op == Op::adam) slots = {Domain::grid, Domain::positive};
      if (op == Op::rmsprop) slots = {Domain::positive, Domain::grid};
      for (size_t i = 0; i < slots.size(); ++i)
        in.push_back(c.state("slot" + std::to_string(i), shape, slots[i]));
      in.push_back(c.scalar("lr", 0.01));
      if (op == Op::adam) {
        in.push_back(c.scalar("correction1", 0.5));
        in.push_back(c.scalar("correction2", 0.002));
      }
      Value p = c.graph.append(op, in, attr);
      c.graph.assign(in[0], p);
      for (size_t i = 0; i < slots.size(); ++i)
        c.graph.assign(in[2 + i], c.graph.port(p, static_cast<int>(1 + i)));
      c.note(c.graph.port(p, static_cast<int>(1 + slots.size())));
      c.note(c.graph.port(p, static_cast<int>(2 + slots.size())));
      c.runs = 3;
    };
  };
  for (Op op : {Op::adam, Op::rmsprop, Op::sgd}) make(op);
  // Two updates of one buffer by RMSProp, with clipping and an average behind the last, as a player's are.
  kinds["updates"] = [](Case& c, const Descriptor& d) {
    const Shape shape{d.integer("n", 7)};
    const double clip = d.real("clip", 0), moved = d.real("moved", 0.25);
    const Value p = c.state("p", shape), v = c.state("v", shape, Domain::positive),
                buffer = c.state("buffer", shape), lr = c.scalar("lr", 0.01);
    Value params = p, square = v, velocity = buffer;
    for (int i = 0; i < 2; ++i) {
      params = c.graph.append(Op::rmsprop, {params, c.fixed(shape) * params, square, velocity, lr},
                              OptimizerAttr{0, 0.9, 1e-8, 0});
      square = c.graph.port(params, 1);
      velocity = c.graph.port(params, 2);
      c.note(c.graph.port(params, 3));
      c.note(c.graph.port(params, 4));
      if (clip > 0) params = clamp(params, -clip, clip);
    }
    if (moved > 0) {
      const Value average = c.state("average", shape);
      c.graph.assign(average, average + (params - average) * c.scalar("moved", moved));
      if (d.has("seen")) c.note(average * 2.0);  // the average before the update is asked for, too
    }
    c.graph.assign(p, params);
    c.graph.assign(v, square);
    c.graph.assign(buffer, velocity);
    c.runs = 3;
  };
  return kinds;
}

}  // namespace agon::cases
