#pragma once
#include <map>

#include "agon/program.h"

namespace agon::reference {

/// Every tensor in f64 or i32.
class ReferenceStore final : public Store {
 public:
  void declare(const std::string& name, DType dtype, const Shape& shape) override;
  bool contains(const std::string& name) const override { return entries_.contains(name); }
  std::vector<std::string> names() const override;
  void write(const std::string& name, const Tensor& value) override;
  Tensor read(const std::string& name) const override { return find(name).clone(); }
  size_t bytes() const override;

  /// The live memory of `name`. Throws Error(usage) for an unknown name.
  const Tensor& find(const std::string& name) const;

 private:
  struct Entry {
    DType declared;
    Tensor tensor;
  };
  std::map<std::string, Entry> entries_;
};

}  // namespace agon::reference
