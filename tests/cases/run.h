#pragma once
#include <map>

#include "agon/program.h"

#include "cases/case.h"

namespace agon::cases {

/// A case compiled on a backend, fed with its numbers.
class CaseRun {
 public:
  CaseRun(Backend& backend, const Case& subject, bool fuse, Precision precision = Precision::f32)
      : case_(subject), store_(backend.make_store()), program_(compile(backend, fuse, precision)) {
    for (const auto& input : case_.inputs) program_->write(input.name, input.data);
    for (const auto& scalar : case_.scalars) program_->set_scalar(scalar.name, scalar.data.as<double>()[0]);
    reset();
  }

  Program& program() { return *program_; }
  /// Puts every state back to its first value.
  void reset() {
    for (const auto& state : case_.states) store_->write(state.name, state.data);
  }
  /// Runs as often as the case asks for; then all outputs and states as f64 or i32.
  std::map<std::string, Tensor> collect() {
    for (int i = 0; i < case_.runs; ++i) program_->run(static_cast<uint64_t>(i));
    std::map<std::string, Tensor> result;
    const auto keep = [&](const std::string& name, const Tensor& tensor) {
      result[name] = tensor.to(is_float(tensor.dtype()) ? DType::f64 : DType::i32);
    };
    for (const auto& [name, value] : case_.graph.outputs()) keep(name, program_->read(name));
    for (const auto& state : case_.states) keep("state " + state.name, store_->read(state.name));
    return result;
  }

 private:
  std::unique_ptr<Program> compile(Backend& backend, bool fuse, Precision precision) {
    CompileOptions options;
    options.precision = precision;
    options.seed = 11;
    options.fuse = fuse;
    return backend.compile(case_.graph, *store_, options);
  }

  const Case& case_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Program> program_;
};

}  // namespace agon::cases
