#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agon/network.h"

namespace agon::nn {

/// One application of a module: where its parameters and buffers are, and the mode.
class Context {
 public:
  Context(Binding& binding, Mode mode, std::string_view module)
      : binding_(binding), mode_(mode), module_(module) {}

  bool training() const { return mode_ == Mode::train; }
  Mode mode() const { return mode_; }
  /// The module's own, e.g. parameter("weight") is "main.0.weight".
  Value parameter(std::string_view name) const;
  /// An invalid handle where the module has none.
  Value parameter_if(std::string_view name) const;
  Value buffer(std::string_view name) const;
  void set_buffer(std::string_view name, Value value) const;

 private:
  Binding& binding_;
  Mode mode_;
  std::string_view module_;
};

/// One entry of torch.nn.Sequential: what it is, what it owns and what it appends to a graph.
struct Module {
  std::string name;  ///< "main.3"
  std::string type, detail, tap;
  Shape output;  ///< of one sample
  std::vector<Parameter> parameters, buffers;
  std::function<Value(const Context&, Value)> apply;
};

}  // namespace agon::nn
