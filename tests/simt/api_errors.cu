// What the runtime's API refuses, and how it says so.
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "api_fixture.h"

using namespace simt_test;
using nlohmann::json;

namespace {

__global__ void store(int* x, long offset) {
  x[offset] = 1;
}
__global__ void nothing() {}
__global__ void launched_once() {}
__global__ void __launch_bounds__(64) bounded() {}
__global__ void share(int* x) {
  extern __shared__ int s[];
  s[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  x[threadIdx.x] = s[(threadIdx.x + 1) % blockDim.x];
}

json reports() {
  return json::parse(agon_simt_take_reports());
}

}  // namespace

// Broken: a program would go on with a device that has faulted, and lose where it happened.
TEST_CASE("a fault stays until the device is reset, and says where it was", "[simt][api]") {
  FreshDevice fresh;
  int* x = nullptr;
  REQUIRE(cudaMalloc(&x, 64) == cudaSuccess);
  store<<<1, 1>>>(x, 1 << 20);
  CHECK(cudaGetLastError() == cudaSuccess);
  CHECK(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
  CHECK(cudaMalloc(&x, 64) == cudaErrorIllegalAddress);
  CHECK(cudaGetLastError() == cudaErrorIllegalAddress);
  CHECK(cudaGetLastError() == cudaErrorIllegalAddress);
  const json found = reports();
  REQUIRE(found.size() == 1);
  CHECK(found[0]["kind"] == "out-of-bounds");
  CHECK(found[0]["kernel"].get<std::string>().find("store") != std::string::npos);
  CHECK(found[0]["file"].get<std::string>().find("api_errors.cu") != std::string::npos);
  CHECK(found[0]["line"] == 14);
  REQUIRE(cudaDeviceReset() == cudaSuccess);
  CHECK(cudaGetLastError() == cudaSuccess);
  REQUIRE(cudaMalloc(&x, 64) == cudaSuccess);
  store<<<1, 1>>>(x, 15);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
}

// Broken: launches that no device takes would run here.
TEST_CASE("launches beyond the limits are refused at the call, by name", "[simt][api]") {
  FreshDevice fresh;
  int* x = to_device(std::vector<int>(1024, 1));
  nothing<<<1, 1025>>>();
  CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration);
  nothing<<<dim3(1, 65536), 1>>>();
  CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration);
  nothing<<<0, 32>>>();
  CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration);
  nothing<<<1, dim3(1, 1, 65)>>>();
  CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration);
  bounded<<<1, 65>>>();
  CHECK(cudaGetLastError() == cudaErrorLaunchOutOfResources);
  share<<<1, 32, 48 * 1024 + 16>>>(x);
  CHECK(cudaGetLastError() == cudaErrorInvalidValue);
  CHECK(cudaGetLastError() == cudaSuccess);
  const json found = reports();
  REQUIRE(found.size() == 6);
  for (const json& report : found) CHECK(report["kind"] == "launch-limits");
  CHECK(found[0]["message"].get<std::string>().find("1025") != std::string::npos);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
}

// Broken: kernels that ask for much shared memory would be refused, or would get more than the chip has.
TEST_CASE("dynamic shared memory above 48 KiB needs the opt-in, and has the chip's limit", "[simt][api]") {
  FreshDevice fresh;
  REQUIRE(cudaDeviceReset() == cudaSuccess);
  REQUIRE(agon_simt_set("arch", "sm_86") == 0);
  int* x = to_device(std::vector<int>(32, 1));
  const int optin = 101376;
  CHECK(cudaFuncSetAttribute(share, cudaFuncAttributeMaxDynamicSharedMemorySize, optin + 1) ==
        cudaErrorInvalidValue);
  CHECK(std::string(agon_simt_last_message()).find("sm_86") != std::string::npos);
  REQUIRE(cudaFuncSetAttribute(share, cudaFuncAttributeMaxDynamicSharedMemorySize, optin) == cudaSuccess);
  cudaGetLastError();
  share<<<1, 32, optin>>>(x);
  CHECK(cudaGetLastError() == cudaSuccess);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  cudaFuncAttributes attributes;
  REQUIRE(cudaFuncGetAttributes(&attributes, share) == cudaSuccess);
  CHECK(attributes.maxDynamicSharedSizeBytes == optin);
  int blocks = -1;
  REQUIRE(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, share, 32, optin) == cudaSuccess);
  CHECK(blocks == 1);
  REQUIRE(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, nothing, 1024, 0) == cudaSuccess);
  CHECK(blocks == 1);  // 1536 threads a multiprocessor
}

// Broken: the answer to a full device could not be tested without one.
TEST_CASE("device memory ends where the setting says", "[simt][api]") {
  FreshDevice fresh;
  REQUIRE(agon_simt_set("memory", "1M") == 0);
  void *a = nullptr, *b = nullptr;
  REQUIRE(cudaMalloc(&a, 768 << 10) == cudaSuccess);
  CHECK(cudaMalloc(&b, 512 << 10) == cudaErrorMemoryAllocation);
  CHECK(std::string(agon_simt_last_message()).find("524288 bytes asked for") != std::string::npos);
  CHECK(cudaGetLastError() == cudaErrorMemoryAllocation);
  size_t free = 0, total = 0;
  REQUIRE(cudaMemGetInfo(&free, &total) == cudaSuccess);
  CHECK(total == 1 << 20);
  CHECK(free <= 256 << 10);
  REQUIRE(cudaFree(a) == cudaSuccess);
  CHECK(cudaMalloc(&b, 512 << 10) == cudaSuccess);
  CHECK(cudaFree(a) == cudaErrorInvalidValue);
  CHECK(cudaFree(nullptr) == cudaSuccess);
}

// Broken: copies past an allocation would corrupt the simulator's own memory.
TEST_CASE("copies beyond an allocation or in the wrong direction are refused", "[simt][api]") {
  FreshDevice fresh;
  std::vector<int> host(100, 1);
  int* x = to_device(std::vector<int>(64, 2));
  CHECK(cudaMemcpy(x, host.data(), 400, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(x, host.data(), 256, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
  CHECK(cudaMemset(x + 60, 0, 32) == cudaErrorInvalidValue);
  CHECK(cudaMemset(host.data(), 0, 32) == cudaErrorInvalidValue);
  REQUIRE(cudaFree(x) == cudaSuccess);
  CHECK(cudaMemcpy(host.data(), x, 256, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
  const json found = reports();
  REQUIRE(found.size() == 3);
  CHECK(found[0]["kind"] == "out-of-bounds");
  CHECK(found[2]["kind"] == "use-after-free");
}

// Broken: a call that the simulator does not know would be guessed at.
TEST_CASE("calls that are not simulated fail by their name", "[simt][api]") {
  FreshDevice fresh;
  cudaArray_t array = nullptr;
  const cudaChannelFormatDesc format = {32, 0, 0, 0, cudaChannelFormatKindFloat};
  CHECK(cudaMallocArray(&array, &format, 4, 4, 0) == cudaErrorNotSupported);
  CHECK(cudaGetLastError() == cudaErrorNotSupported);
  CHECK(std::string(agon_simt_last_message()).find("cudaMallocArray") != std::string::npos);
  CHECK(reports()[0]["message"] == "cudaMallocArray is not simulated");
}

// Broken: handles that are gone would be followed into freed memory.
TEST_CASE("stale handles are refused", "[simt][api]") {
  FreshDevice fresh;
  cudaStream_t stream;
  cudaEvent_t event;
  REQUIRE(cudaStreamCreate(&stream) == cudaSuccess);
  REQUIRE(cudaStreamDestroy(stream) == cudaSuccess);
  CHECK(cudaStreamSynchronize(stream) == cudaErrorInvalidResourceHandle);
  REQUIRE(cudaEventCreate(&event) == cudaSuccess);
  REQUIRE(cudaEventDestroy(event) == cudaSuccess);
  CHECK(cudaEventSynchronize(event) == cudaErrorInvalidResourceHandle);
  CHECK(cudaPeekAtLastError() == cudaErrorInvalidResourceHandle);
  CHECK(cudaGetLastError() == cudaErrorInvalidResourceHandle);
  CHECK(cudaGetLastError() == cudaSuccess);
  CHECK(std::string(cudaGetErrorName(cudaErrorInvalidResourceHandle)) == "cudaErrorInvalidResourceHandle");
  CHECK(std::string(cudaGetErrorString(cudaErrorIllegalAddress)) ==
        "an illegal memory access was encountered");
}

// Broken: a program would tune itself for another chip than the one it was told of.
TEST_CASE("the named architecture shows in the device's properties", "[simt][api]") {
  FreshDevice fresh;
  cudaDeviceProp properties;
  REQUIRE(cudaGetDeviceProperties(&properties, 0) == cudaSuccess);
  CHECK(properties.major == 8);
  CHECK(properties.multiProcessorCount == 108);
  REQUIRE(agon_simt_set("arch", "sm_90") == 0);
  int shared = 0, major = 0;
  REQUIRE(cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0) == cudaSuccess);
  REQUIRE(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0) == cudaSuccess);
  CHECK(shared == 232448);
  CHECK(major == 9);
  CHECK(agon_simt_set("arch", "sm_75") == -1);
  CHECK(std::string(agon_simt_last_message()).find("sm_80") != std::string::npos);
  CHECK(cudaSetDevice(1) == cudaErrorInvalidDevice);
  cudaGetLastError();
}

// Broken: a kernel's behaviour would have no number.
TEST_CASE("counters are kept by kernel and, if asked for, by launch", "[simt][api]") {
  FreshDevice fresh;
  REQUIRE(agon_simt_set("launches", "1") == 0);
  int* x = to_device(std::vector<int>(64, 2));
  share<<<1, 32, 128>>>(x);
  share<<<2, 32, 256>>>(x + 32);
  CHECK(cudaDeviceSynchronize() != cudaErrorIllegalAddress);
  const json counters = json::parse(agon_simt_counters());
  CHECK(counters["arch"] == "sm_80");
  REQUIRE(counters["kernels"].size() == 1);
  CHECK(counters["kernels"][0]["kernel"].get<std::string>().find("share(int*)") != std::string::npos);
  CHECK(counters["kernels"][0]["counters"]["launches"] == 2);
  CHECK(counters["kernels"][0]["counters"]["blocks"] == 3);
  REQUIRE(counters["launches"].size() == 2);
  CHECK(counters["launches"][1]["grid"][0] == 2);
  CHECK(counters["launches"][1]["dynamic_shared"] == 256);
  CHECK(counters["launches"][0]["counters"]["barriers"] == 1);
}

// Broken: a kernel that no test runs would pass for one that is tested.
TEST_CASE("kernels that were never launched are named", "[simt][api]") {
  FreshDevice fresh;
  const auto named = [] {
    const json kernels = json::parse(agon_simt_never_launched());
    return std::ranges::any_of(kernels, [](const json& kernel) {
      return kernel.get<std::string>().find("launched_once()") != std::string::npos;
    });
  };
  CHECK(named());
  launched_once<<<1, 1>>>();
  REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
  CHECK_FALSE(named());
  agon_simt_clear_counters();
  CHECK_FALSE(named());
}

// Broken: host code that follows a device pointer would work here and crash on a GPU.
TEST_CASE("host code touching device memory is reported at the next call", "[simt][api]") {
  FreshDevice fresh;
  int* x = to_device(std::vector<int>(32, 1));
  static_cast<volatile int*>(x)[3] = 9;
  CHECK(cudaDeviceSynchronize() == cudaErrorLaunchFailure);
  const json found = reports();
  REQUIRE(found.size() == 1);
  CHECK(found[0]["kind"] == "host-access");
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  static_cast<volatile int*>(x)[3] = 9;
  CHECK(cudaDeviceSynchronize() == cudaErrorLaunchFailure);
}

// Broken: who looks for a fault would have to write a program that asks for the reports.
TEST_CASE("reports are written to the named file as they are found", "[simt][api]") {
  FreshDevice fresh;
  const std::string path = "simt_reports_test.txt";
  REQUIRE(agon_simt_set("reports", path.c_str()) == 0);
  nothing<<<1, 1025>>>();
  cudaGetLastError();
  int* x = to_device(std::vector<int>(16, 1));
  store<<<1, 1>>>(x, 1000);
  CHECK(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
  REQUIRE(agon_simt_set("reports", "") == 0);
  std::ifstream file(path);
  std::string first, second, third;
  REQUIRE(std::getline(file, first));
  REQUIRE(std::getline(file, second));
  CHECK_FALSE(std::getline(file, third));
  CHECK(first.rfind("simt: launch-limits: ", 0) == 0);
  CHECK(second.rfind("simt: out-of-bounds: ", 0) == 0);
  std::remove(path.c_str());
}
