#pragma once
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agon/graph.h"
#include "agon/philox.h"
#include "agon/tensor.h"

#include "cases/descriptor.h"

namespace agon::cases {

/// Where an operand's numbers lie. All are exact in f32 and at least 1/256 away from the kinks of every op
/// (multiples of 1/64) and from the numbers of the other operands, so that neither a small step nor rounding
/// crosses a kink or makes a tie.
enum class Domain {
  grid,      ///< [-2, 2]
  positive,  ///< [0.5, 2.5]
  distinct,  ///< [-2, 2], no number twice in the tensor
  mask,      ///< 0 or 1
};

/// A graph under test with the numbers that feed it.
class Case {
 public:
  struct Fed {
    std::string name;
    Tensor data;  ///< f64, or i32 for indices
  };

  explicit Case(const std::string& line) : descriptor(line) {
    for (char c : line) seed_ = (seed_ ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  }
  Case(const Case&) = delete;
  Case& operator=(const Case&) = delete;

  const Descriptor descriptor;
  Graph graph;
  std::vector<Fed> inputs, states, scalars;
  std::vector<Value> operands;  ///< the inputs to differentiate by
  std::vector<Value> results;   ///< the float results that make up the loss
  int runs = 1;                 ///< what updates state is run more than once

  /// An operand that derivatives are taken by.
  Value operand(const Shape& shape, Domain domain = Domain::grid) {
    operands.push_back(feed("x" + std::to_string(operands.size()), shape, domain));
    return operands.back();
  }
  /// An operand that is held fixed.
  Value fixed(const Shape& shape, Domain domain = Domain::grid) {
    return feed("fixed" + std::to_string(inputs.size()), shape, domain);
  }
  Value index(const Shape& shape, int64_t extent) {
    Tensor data(DType::i32, shape);
    for (int32_t& i : data.as<int32_t>()) i = static_cast<int32_t>(next(static_cast<uint32_t>(extent)));
    inputs.push_back({"index" + std::to_string(inputs.size()), data});
    return graph.input(inputs.back().name, shape, DType::i32);
  }
  Value state(const std::string& name, const Shape& shape, Domain domain = Domain::grid) {
    states.push_back({name, numbers(shape, domain)});
    return graph.state(name, shape);
  }
  Value scalar(const std::string& name, double value) {
    scalars.push_back({name, Tensor::of<double>({}, std::vector{value})});
    return graph.scalar(name);
  }
  /// A float result whose derivatives are compared, too.
  void result(Value value) {
    results.push_back(value);
    note(value);
  }
  /// A result that is only read.
  void note(Value value) { graph.output("y" + std::to_string(noted_++), value); }

  /// Appends the first and second derivatives: with random weights w and c,
  ///   loss = sum_k <w_k, y_k>, d_i = d loss / d x_i, loss2 = sum_i <c_i, d_i>,
  ///   dd = d loss2 / d (x.., w..).
  /// The outputs are d<i>, dd<i>, and where `scalars` is set "loss" and "loss2".
  void differentiate(bool with_losses) {
    if (operands.empty() || results.empty()) return;
    std::vector<Value> all = operands;
    Value loss = weighted(results, "w", all);
    const std::vector<Value> first = grad(loss, operands);
    std::vector<Value> unused;
    Value loss2 = weighted(first, "c", unused);
    const std::vector<Value> second = grad(loss2, all);
    for (size_t i = 0; i < first.size(); ++i) graph.output("d" + std::to_string(i), first[i]);
    for (size_t i = 0; i < second.size(); ++i) graph.output("dd" + std::to_string(i), second[i]);
    operands = all;
    if (!with_losses) return;
    graph.output("loss", loss);
    graph.output("loss2", loss2);
  }

  /// Makes every number one that bf16 holds exactly, so that rounding operands makes no difference and moves
  /// nothing across a kink.
  void round_to_bf16() {
    for (auto* fed : {&inputs, &states})
      for (Fed& f : *fed)
        if (f.data.dtype() == DType::f64)
          for (double& v : f.data.as<double>())
            v = static_cast<double>(from_bf16(to_bf16(static_cast<float>(v))));
  }

  Tensor numbers(const Shape& shape, Domain domain) {
    Tensor data(DType::f64, shape);
    const auto values = data.as<double>();
    const double shift = 0.25 * static_cast<double>(1 + made_++ % 3);
    if (domain == Domain::distinct) {
      double spacing = 1;
      while (spacing * static_cast<double>(values.size()) > 4) spacing /= 2;
      for (size_t i = 0; i < values.size(); ++i)
        values[i] = (static_cast<double>(i) - static_cast<double>(values.size() / 2) + 0.5) * spacing;
      for (size_t i = values.size(); i > 1; --i)
        std::swap(values[i - 1], values[next(static_cast<uint32_t>(i))]);
      return data;
    }
    for (double& value : values) {
      value = (static_cast<double>(next(256)) - 128 + shift) / 64;
      if (domain == Domain::positive) value = 0.5 + std::abs(value);
      if (domain == Domain::mask) value = value > 0 ? 1 : 0;
    }
    return data;
  }

 private:
  uint32_t next(uint32_t bound) { return PhiloxStream(seed_, drawn_++, 0).below(bound); }

  Value feed(const std::string& name, const Shape& shape, Domain domain) {
    inputs.push_back({name, numbers(shape, domain)});
    return graph.input(name, shape);
  }

  Value weighted(const std::vector<Value>& values, const std::string& name, std::vector<Value>& weights) {
    Value total;
    for (size_t i = 0; i < values.size(); ++i) {
      weights.push_back(feed(name + std::to_string(i), values[i].shape(), Domain::grid));
      Value term = sum(values[i] * weights.back());
      total = total.valid() ? total + term : term;
    }
    return total;
  }

  uint64_t seed_ = 0xcbf29ce484222325u, drawn_ = 0;
  int noted_ = 0, made_ = 0;
};

/// How to build the cases of one kind (the descriptor's first word).
using Builder = std::function<void(Case&, const Descriptor&)>;
using Kinds = std::map<std::string, Builder>;

inline Activation activation_of(const Descriptor& d) {
  static const std::map<std::string, Activation> known{{"identity", {ActivationKind::identity, 0}},
                                                       {"relu", {ActivationKind::relu, 0}},
                                                       {"leaky_relu", {ActivationKind::leaky_relu, 0.2}},
                                                       {"elu", {ActivationKind::elu, 1}},
                                                       {"tanh", {ActivationKind::tanh, 0}},
                                                       {"sigmoid", {ActivationKind::sigmoid, 0}}};
  const auto it = known.find(d.text("f", "identity"));
  check(it != known.end(), ErrorKind::usage, "descriptor: unknown activation in '{}'", d.line());
  Activation f = it->second;
  if (d.has("alpha")) f.alpha = d.real("alpha", 0);
  return f;
}

}  // namespace agon::cases
