#pragma once
#include "cases/case.h"

namespace agon::cases {

inline Kinds leaf_kinds() {
  Kinds kinds;
  kinds["input"] = [](Case& c, const Descriptor& d) { c.result(c.operand(d.shape("s"))); };
  kinds["constant"] = [](Case& c, const Descriptor& d) {
    c.note(c.graph.constant(d.real("v", 1), d.shape("s")));
  };
  kinds["scalar"] = [](Case& c, const Descriptor& d) {
    Value x = c.operand(d.shape("s"));
    c.result(x * c.scalar("rate", 0.3));
  };
  kinds["state"] = [](Case& c, const Descriptor& d) {
    Value x = c.operand(d.shape("s")), s = c.state("average", d.shape("s"));
    c.graph.assign(s, s * 0.75 + x * 0.25);
    c.result(s * x);
    c.runs = 3;
  };
  kinds["random_normal"] = [](Case& c, const Descriptor& d) { c.note(c.graph.random_normal(d.shape("s"))); };
  kinds["random_uniform"] = [](Case& c, const Descriptor& d) {
    c.note(c.graph.random_uniform(d.shape("s"), d.integer("stream", 3)));
  };
  kinds["random_bernoulli"] = [](Case& c, const Descriptor& d) {
    c.note(c.graph.random_bernoulli(d.shape("s"), d.real("p", 0.5)));
  };
  return kinds;
}

inline Kinds shape_kinds() {
  Kinds kinds;
  kinds["reshape"] = [](Case& c, const Descriptor& d) {
    c.result(reshape(c.operand(d.shape("s")), d.shape("to")));
  };
  kinds["stop_gradient"] = [](Case& c, const Descriptor& d) {
    Value x = c.operand(d.shape("s"));
    c.result(stop_gradient(x) * x);
  };
  kinds["transpose"] = [](Case& c, const Descriptor& d) {
    c.result(transpose(c.operand(d.shape("s")), d.axes("axes")));
  };
  kinds["broadcast_to"] = [](Case& c, const Descriptor& d) {
    c.result(broadcast_to(c.operand(d.shape("s")), d.shape("to")));
  };
  kinds["concat"] = [](Case& c, const Descriptor& d) {
    std::vector<Value> parts;
    for (const char* key : {"a", "b", "c"})
      if (d.has(key)) parts.push_back(c.operand(d.shape(key)));
    c.result(concat(parts, static_cast<int>(d.integer("axis", 0))));
  };
  kinds["slice"] = [](Case& c, const Descriptor& d) {
    c.result(slice(c.operand(d.shape("s")), d.shape("lo"), d.shape("hi")));
  };
  kinds["pad"] = [](Case& c, const Descriptor& d) {
    c.result(pad(c.operand(d.shape("s")), d.shape("lo"), d.shape("hi")));
  };
  kinds["reduce_sum"] = [](Case& c, const Descriptor& d) {
    c.result(reduce_sum(c.operand(d.shape("s")), d.axes("axes")));
  };
  kinds["reduce_max"] = [](Case& c, const Descriptor& d) {
    c.result(reduce_max(c.operand(d.shape("s"), Domain::distinct), d.axes("axes")));
  };
  kinds["gather"] = [](Case& c, const Descriptor& d) {
    const int64_t rows = d.integer("rows", 5);
    Value table = c.operand({rows, d.integer("w", 3)});
    c.result(gather(table, c.index({d.integer("n", 4)}, rows)));
  };
  kinds["scatter_add"] = [](Case& c, const Descriptor& d) {
    const int64_t rows = d.integer("rows", 5), n = d.integer("n", 4);
    c.result(scatter_add(c.index({n}, rows), c.operand({n, d.integer("w", 3)}), rows));
  };
  kinds["one_hot"] = [](Case& c, const Descriptor& d) {
    const int64_t depth = d.integer("depth", 5);
    c.note(one_hot(c.index({d.integer("n", 4)}, depth), depth));
  };
  kinds["pixel_shuffle"] = [](Case& c, const Descriptor& d) {
    c.result(pixel_shuffle(c.operand(d.shape("s")), d.integer("r", 2)));
  };
  return kinds;
}

}  // namespace agon::cases
