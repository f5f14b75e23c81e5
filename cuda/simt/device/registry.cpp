#include "cuda/simt/device/registry.h"

#include <algorithm>

#include "cuda/simt/ptx/fatbin.h"

namespace agon::simt {

RegisteredVariable* Image::variable(const std::string& name) const {
  for (const auto& [host, variable] : variables) {
    if (variable->name == name) return variable.get();
  }
  return nullptr;
}

Image& Registry::add_image(const void* data) {
  images_.push_back(std::make_unique<Image>());
  images_.back()->data = data;
  return *images_.back();
}

void Registry::remove_image(Image* image) {
  for (const auto& [host, function] : image->functions) {
    functions_.erase(host);
    functions_.erase(function.get());
  }
  for (const auto& [host, variable] : image->variables) variables_.erase(host);
  std::erase_if(images_, [&](const auto& i) { return i.get() == image; });
}

void Registry::add_function(Image& image, const void* host, std::string name) {
  auto function = std::make_unique<Function>();
  function->image = &image;
  function->name = std::move(name);
  functions_[host] = functions_[function.get()] = function.get();
  image.functions[host] = std::move(function);
}

void Registry::add_variable(Image& image, const void* host, RegisteredVariable variable) {
  auto stored = std::make_unique<RegisteredVariable>(std::move(variable));
  stored->image = &image;
  variables_[host] = stored.get();
  image.variables[host] = std::move(stored);
}

Function* Registry::find_function(const void* host_or_handle) const {
  const auto found = functions_.find(host_or_handle);
  return found == functions_.end() ? nullptr : found->second;
}

RegisteredVariable* Registry::find_variable(const void* host) const {
  const auto found = variables_.find(host);
  return found == variables_.end() ? nullptr : found->second;
}

const Module& Registry::load(Image& image, const std::function<std::uint64_t(const Variable&)>& allocate) {
  if (!image.module) {
    auto module = std::make_unique<Module>(fatbin_ptx(image.data));
    module->place(allocate);
    image.module = std::move(module);
  }
  return *image.module;
}

void Registry::unload() {
  for (const auto& image : images_) {
    image->module.reset();
    for (const auto& [host, function] : image->functions) function->kernel = nullptr;
  }
}

}  // namespace agon::simt
