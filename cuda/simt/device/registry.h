// The programs that the host registered with the runtime: images with device code, their kernels and
// variables.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "cuda/simt/program.h"

namespace agon::simt {

struct Image;

// A kernel as the host knows it. A cudaKernel_t points to one.
struct Function {
  Image* image = nullptr;
  std::string name;                      // mangled
  const Kernel* kernel = nullptr;        // decoded when first used
  std::uint32_t max_dynamic_shared = 0;  // what the opt-in attribute was set to; 0: not set
  int carveout = -1;
};

struct RegisteredVariable {
  Image* image = nullptr;
  std::string name;
  std::uint64_t bytes = 0;
  bool constant = false;
  void** managed = nullptr;  // the host's pointer to a __managed__ variable
};

// One fat binary.
struct Image {
  const void* data = nullptr;
  std::unique_ptr<Module> module;                                        // parsed and placed when first used
  std::unordered_map<const void*, std::unique_ptr<Function>> functions;  // by the host's stub
  std::unordered_map<const void*, std::unique_ptr<RegisteredVariable>> variables;  // by the host's shadow
  RegisteredVariable* variable(const std::string& name) const;
};

class Registry {
 public:
  Image& add_image(const void* data);
  void remove_image(Image* image);
  void add_function(Image& image, const void* host, std::string name);
  void add_variable(Image& image, const void* host, RegisteredVariable variable);

  // By the host's stub or by the handle itself; null: not registered.
  Function* find_function(const void* host_or_handle) const;
  RegisteredVariable* find_variable(const void* host) const;
  const std::vector<std::unique_ptr<Image>>& images() const { return images_; }

  // Parses and places the image's module if that has not been done.
  const Module& load(Image& image, const std::function<std::uint64_t(const Variable&)>& allocate);
  // Forgets all modules: memory has been reset.
  void unload();

 private:
  std::vector<std::unique_ptr<Image>> images_;
  std::unordered_map<const void*, Function*> functions_;
  std::unordered_map<const void*, RegisteredVariable*> variables_;
};

}  // namespace agon::simt
