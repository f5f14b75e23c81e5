#include "backend/cpu/cpu_store.h"

#include <algorithm>

#include "core/nearest.h"

namespace agon::cpu {

void CpuStore::declare(const std::string& name, DType dtype, const Shape& shape) {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    tensors_.emplace(name, Tensor(dtype, shape));
    return;
  }
  check(found->second.shape() == shape && found->second.dtype() == dtype, ErrorKind::data,
        "store: '{}' is {} {} but the graph wants {} {}", name, name_of(found->second.dtype()),
        found->second.shape().str(), name_of(dtype), shape.str());
}

std::vector<std::string> CpuStore::names() const {
  std::vector<std::string> result;
  for (const auto& [name, tensor] : tensors_) result.push_back(name);
  return result;
}

const Tensor& CpuStore::tensor(const std::string& name) const {
  const auto found = tensors_.find(name);
  check(found != tensors_.end(), ErrorKind::usage, "store: there is no tensor '{}'", name);
  return found->second;
}

void CpuStore::write(const std::string& name, const Tensor& value) {
  const Tensor& target = tensor(name);
  check(target.shape() == value.shape(), ErrorKind::data, "store: '{}' is {}, not {}", name,
        target.shape().str(), value.shape().str());
  std::ranges::copy(value.to(target.dtype()).bytes(), target.bytes().begin());
}

Tensor CpuStore::read(const std::string& name) const {
  return tensor(name).clone();
}

size_t CpuStore::bytes() const {
  size_t total = 0;
  for (const auto& [name, tensor] : tensors_) total += tensor.bytes().size();
  return total;
}

}  // namespace agon::cpu
