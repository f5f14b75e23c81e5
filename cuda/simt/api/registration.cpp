// What nvcc's generated code calls before main: images with device code, their kernels and variables.
#include "cuda/simt/api/support.h"

using namespace agon::simt;

namespace {

Image& image_of(void** handle) {
  return *reinterpret_cast<Image*>(handle);
}

template <class Body>
void locked(Body&& body) {
  Device& device = Device::instance();
  const std::lock_guard lock(device.mutex());
  body(device.registry());
}

}  // namespace

extern "C" {
__attribute__((visibility("default"))) void** __cudaRegisterFatBinary(void* image);
__attribute__((visibility("default"))) void __cudaRegisterFatBinaryEnd(void** handle);
__attribute__((visibility("default"))) void __cudaUnregisterFatBinary(void** handle);
__attribute__((visibility("default"))) void __cudaRegisterFunction(void** handle, const char* stub,
                                                                   char* function, const char* name,
                                                                   int thread_limit, uint3* tid, uint3* bid,
                                                                   dim3* block, dim3* grid, int* warp);
__attribute__((visibility("default"))) void __cudaRegisterVar(void** handle, char* shadow, char* address,
                                                              const char* name, int external, size_t bytes,
                                                              int constant, int global);
__attribute__((visibility("default"))) void __cudaRegisterManagedVar(void** handle, void** pointer,
                                                                     char* address, const char* name,
                                                                     int external, size_t bytes, int constant,
                                                                     int global);
__attribute__((visibility("default"))) char __cudaInitModule(void** handle);
}

void** __cudaRegisterFatBinary(void* image) {
  Image* added = nullptr;
  locked([&](Registry& registry) { added = &registry.add_image(image); });
  return reinterpret_cast<void**>(added);
}

void __cudaRegisterFatBinaryEnd(void**) {}

void __cudaUnregisterFatBinary(void** handle) {
  locked([&](Registry& registry) { registry.remove_image(&image_of(handle)); });
}

void __cudaRegisterFunction(void** handle, const char* stub, char*, const char* name, int, uint3*, uint3*,
                            dim3*, dim3*, int*) {
  locked([&](Registry& registry) { registry.add_function(image_of(handle), stub, name); });
}

void __cudaRegisterVar(void** handle, char* shadow, char*, const char* name, int, size_t bytes, int constant,
                       int) {
  locked([&](Registry& registry) {
    registry.add_variable(image_of(handle), shadow, {nullptr, name, bytes, constant != 0, nullptr});
  });
}

void __cudaRegisterManagedVar(void** handle, void** pointer, char*, const char* name, int, size_t bytes,
                              int constant, int) {
  locked([&](Registry& registry) {
    registry.add_variable(image_of(handle), pointer, {nullptr, name, bytes, constant != 0, pointer});
  });
}

// Called where host code first touches a __managed__ variable.
char __cudaInitModule(void** handle) {
  return api::enter(__func__, [&](Device& device) { device.load(image_of(handle)); }) == cudaSuccess;
}
