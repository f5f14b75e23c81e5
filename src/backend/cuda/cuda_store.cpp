#include "backend/cuda/cuda_store.h"

namespace agon::device {

void CudaStore::declare(const std::string& name, DType dtype, const Shape& shape) {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    DeviceMemory memory(device_, static_cast<size_t>(shape.numel()) * size_of(dtype), "state " + name);
    memory.clear();
    tensors_.emplace(name, Entry{dtype, shape, std::move(memory)});
    return;
  }
  check(found->second.shape == shape && found->second.dtype == dtype, ErrorKind::data,
        "store: '{}' is {} {} but the graph wants {} {}", name, name_of(found->second.dtype),
        found->second.shape.str(), name_of(dtype), shape.str());
}

std::vector<std::string> CudaStore::names() const {
  std::vector<std::string> result;
  for (const auto& [name, tensor] : tensors_) result.push_back(name);
  return result;
}

const CudaStore::Entry& CudaStore::entry(const std::string& name) const {
  const auto found = tensors_.find(name);
  check(found != tensors_.end(), ErrorKind::usage, "store: there is no tensor '{}'", name);
  return found->second;
}

void CudaStore::write(const std::string& name, const Tensor& value) {
  const Entry& target = entry(name);
  check(target.shape == value.shape(), ErrorKind::data, "store: '{}' is {}, not {}", name, target.shape.str(),
        value.shape().str());
  const Tensor converted = value.to(target.dtype);
  const auto bytes = converted.bytes();
  device_->require(device_->cuda().upload(device_->context(), agon_cuda_compute, target.memory.data(),
                                          bytes.data(), bytes.size()),
                   "writing " + name);
  device_->synchronize();
}

Tensor CudaStore::read(const std::string& name) const {
  const Entry& source = entry(name);
  Tensor result(source.dtype, source.shape);
  device_->require(device_->cuda().download(device_->context(), agon_cuda_compute, result.bytes().data(),
                                            source.memory.data(), result.bytes().size()),
                   "reading " + name);
  device_->synchronize();
  return result;
}

size_t CudaStore::bytes() const {
  size_t total = 0;
  for (const auto& [name, tensor] : tensors_) total += tensor.memory.size();
  return total;
}

}  // namespace agon::device
