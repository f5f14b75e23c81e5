#pragma once
#include <map>
#include <string>
#include <vector>

#include "agon/program.h"

#include "backend/cuda/device.h"

namespace agon::device {

/// Named tensors in device memory, f32 and i32. read() and write() wait for the device.
class CudaStore : public Store {
 public:
  explicit CudaStore(DevicePtr device) : device_(std::move(device)) {}

  void declare(const std::string& name, DType dtype, const Shape& shape) override;
  bool contains(const std::string& name) const override { return tensors_.contains(name); }
  std::vector<std::string> names() const override;
  void write(const std::string& name, const Tensor& value) override;
  Tensor read(const std::string& name) const override;
  size_t bytes() const override;
  /// The memory itself; it does not move while the store lives.
  std::byte* address(const std::string& name) const { return entry(name).memory.data(); }
  const DevicePtr& device() const { return device_; }

 private:
  struct Entry {
    DType dtype;
    Shape shape;
    DeviceMemory memory;
  };
  const Entry& entry(const std::string& name) const;

  DevicePtr device_;
  std::map<std::string, Entry> tensors_;
};

}  // namespace agon::device
