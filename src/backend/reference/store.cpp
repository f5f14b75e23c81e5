#include "backend/reference/store.h"

#include <algorithm>

#include "backend/reference/array.h"

namespace agon::reference {

void ReferenceStore::declare(const std::string& name, DType dtype, const Shape& shape) {
  const auto it = entries_.find(name);
  if (it == entries_.end()) {
    entries_.emplace(name, Entry{dtype, Tensor(held_as(dtype), shape)});
    return;
  }
  const Entry& entry = it->second;
  check(entry.declared == dtype && entry.tensor.shape() == shape, ErrorKind::data,
        "store: '{}' is {} {} already and cannot become {} {}", name, name_of(entry.declared),
        entry.tensor.shape().str(), name_of(dtype), shape.str());
}

const Tensor& ReferenceStore::find(const std::string& name) const {
  const auto it = entries_.find(name);
  check(it != entries_.end(), ErrorKind::usage, "store: there is no '{}'", name);
  return it->second.tensor;
}

std::vector<std::string> ReferenceStore::names() const {
  std::vector<std::string> result;
  for (const auto& [name, entry] : entries_) result.push_back(name);
  return result;
}

void ReferenceStore::write(const std::string& name, const Tensor& value) {
  const Tensor& to = find(name);
  check(value.shape() == to.shape(), ErrorKind::data, "store: '{}' is {}, the value {}", name,
        to.shape().str(), value.shape().str());
  std::ranges::copy(value.to(to.dtype()).bytes(), to.bytes().begin());
}

size_t ReferenceStore::bytes() const {
  size_t total = 0;
  for (const auto& [name, entry] : entries_) total += entry.tensor.bytes().size();
  return total;
}

}  // namespace agon::reference
