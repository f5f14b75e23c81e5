#pragma once
#include <map>
#include <string>
#include <vector>

#include "agon/program.h"

namespace agon::cpu {

/// Named tensors in host memory, f32 and i32, plain layouts.
class CpuStore : public Store {
 public:
  void declare(const std::string& name, DType dtype, const Shape& shape) override;
  bool contains(const std::string& name) const override { return tensors_.contains(name); }
  std::vector<std::string> names() const override;
  void write(const std::string& name, const Tensor& value) override;
  Tensor read(const std::string& name) const override;
  size_t bytes() const override;
  /// The memory itself; it does not move while the store lives.
  const Tensor& tensor(const std::string& name) const;

 private:
  std::map<std::string, Tensor> tensors_;
};

}  // namespace agon::cpu
