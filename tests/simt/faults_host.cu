// Faults of the host's side: work on two streams without order, device memory touched by host code, launches
// beyond the device's limits.
#include <cuda_runtime.h>
#include <dlfcn.h>
#include <nlohmann/json.hpp>
#include <string>

#include "catch.h"
#include "cuda/simt/simt.h"
#include "faults.h"

using namespace simt_test;
using agon::simt::FaultKind;

namespace {

__global__ void produce(float* x) {
  x[threadIdx.x] = 1.0f;  //< missing event between streams
}

__global__ void consume(const float* x, float* y) {
  y[threadIdx.x] = x[threadIdx.x];  //< missing event between streams
}

__global__ void produce_late(float* x) {
  x[threadIdx.x] = 2.0f;  //< event recorded too early
}

__global__ void consume_early(const float* x, float* y) {
  y[threadIdx.x] = x[threadIdx.x];  //< event recorded too early
}

__global__ void overwrite(float* x) {
  x[threadIdx.x] = 3.0f;  //< work on the next data while the last is read
}

__global__ void still_reads(const float* x, float* y) {
  y[threadIdx.x] = x[threadIdx.x];  //< work on the next data while the last is read
}

__global__ void branch_writes(float* x) {
  x[threadIdx.x] = 1.0f;  //< missing edge of a captured graph
}

__global__ void branch_reads(const float* x, float* y) {
  y[threadIdx.x] = x[threadIdx.x];  //< missing edge of a captured graph
}

__global__ void takes_input(const float* x, float* y) {
  y[threadIdx.x] = x[threadIdx.x];  //< a copy not waited for
}

__global__ void nothing() {}

struct Streams {
  cudaStream_t a = nullptr, b = nullptr;
  cudaEvent_t event = nullptr;
  Streams() {
    cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking);
    cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking);
    cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
  }
  ~Streams() {
    cudaEventDestroy(event);
    cudaStreamDestroy(a);
    cudaStreamDestroy(b);
  }
};

void missing_event(bool broken) {
  Streams s;
  float *x = device_array<float>(32), *y = device_array<float>(32);
  produce<<<1, 32, 0, s.a>>>(x);
  cudaEventRecord(s.event, s.a);
  if (!broken) cudaStreamWaitEvent(s.b, s.event, 0);
  consume<<<1, 32, 0, s.b>>>(x, y);
  finish();
}

void early_event(bool broken) {
  Streams s;
  float *x = zeroed_array<float>(32), *y = device_array<float>(32);
  if (broken) cudaEventRecord(s.event, s.a);
  produce_late<<<1, 32, 0, s.a>>>(x);
  if (!broken) cudaEventRecord(s.event, s.a);
  cudaStreamWaitEvent(s.b, s.event, 0);
  consume_early<<<1, 32, 0, s.b>>>(x, y);
  finish();
}

void next_data(bool broken) {
  Streams s;
  float *x = zeroed_array<float>(32), *y = device_array<float>(32);
  still_reads<<<1, 32, 0, s.a>>>(x, y);
  if (!broken) cudaStreamSynchronize(s.a);
  overwrite<<<1, 32, 0, s.b>>>(x);
  finish();
}

// Two branches of a graph: the second reads what the first writes.
void missing_edge(bool broken) {
  Streams s;
  float *x = device_array<float>(32), *y = device_array<float>(32);
  cudaEvent_t fork, join;
  cudaEventCreateWithFlags(&fork, cudaEventDisableTiming);
  cudaEventCreateWithFlags(&join, cudaEventDisableTiming);
  cudaStreamBeginCapture(s.a, cudaStreamCaptureModeThreadLocal);
  cudaEventRecord(fork, s.a);
  cudaStreamWaitEvent(s.b, fork, 0);
  branch_writes<<<1, 32, 0, s.a>>>(x);
  if (!broken) {
    cudaEventRecord(s.event, s.a);
    cudaStreamWaitEvent(s.b, s.event, 0);
  }
  branch_reads<<<1, 32, 0, s.b>>>(x, y);
  cudaEventRecord(join, s.b);
  cudaStreamWaitEvent(s.a, join, 0);
  cudaGraph_t graph;
  REQUIRE(cudaStreamEndCapture(s.a, &graph) == cudaSuccess);
  cudaGraphExec_t program;
  REQUIRE(cudaGraphInstantiate(&program, graph, 0) == cudaSuccess);
  for (int replay = 0; replay < 3; ++replay) cudaGraphLaunch(program, s.a);
  finish();
  cudaGraphExecDestroy(program);
  cudaGraphDestroy(graph);
  cudaEventDestroy(fork);
  cudaEventDestroy(join);
}

// Double buffering without its event: the copy may overtake the kernel, or the kernel the copy.
void next_batch(bool broken) {
  Streams s;
  float *x = zeroed_array<float>(32), *y = device_array<float>(32), *host = nullptr;
  REQUIRE(cudaMallocHost(&host, 32 * sizeof(float)) == cudaSuccess);
  for (int i = 0; i < 32; ++i) host[i] = static_cast<float>(i);
  cudaMemcpyAsync(x, host, 32 * sizeof(float), cudaMemcpyHostToDevice, s.a);
  cudaEventRecord(s.event, s.a);
  if (!broken) cudaStreamWaitEvent(s.b, s.event, 0);
  takes_input<<<1, 32, 0, s.b>>>(x, y);
  finish();
  cudaFreeHost(host);
}

// Kept out of line: the report names where in it the host touched the device.
__attribute__((noinline)) float read_directly(const volatile float* x) {
  return x[3];
}
__attribute__((noinline)) void write_directly(volatile float* x) {
  x[3] = 1.0f;
}

void host_reads(bool broken) {
  float* x = zeroed_array<float>(32);
  float host[32];
  if (broken)
    host[3] = read_directly(x);
  else
    cudaMemcpy(host, x, sizeof host, cudaMemcpyDeviceToHost);
  CHECK(host[3] == 0.0f);
}

void host_writes(bool broken) {
  float* x = zeroed_array<float>(32);
  float* pinned = nullptr;
  REQUIRE(cudaMallocHost(&pinned, 32 * sizeof(float)) == cudaSuccess);
  write_directly(broken ? x : pinned);
  finish();
  cudaFreeHost(pinned);
}

}  // namespace

// Broken: work on two streams that lacks an order runs by luck.
TEST_CASE("planted missing orders of streams are caught", "[simt][faults]") {
  const auto race = FaultKind::race_operations;
  check_faults(__FILE__, {{"missing event between streams", race, missing_event},
                          {"event recorded too early", race, early_event},
                          {"work on the next data while the last is read", race, next_data},
                          {"missing edge of a captured graph", race, missing_edge}});
}

// Broken: a copy and a kernel without order run by luck. Whichever comes second is named: a copy has no line.
TEST_CASE("planted missing waits for copies are caught", "[simt][faults]") {
  check_faults(__FILE__, {{"a copy not waited for", FaultKind::race_operations, next_batch, true}});
}

// Broken: host code may use device memory as its own.
TEST_CASE("planted host accesses are caught", "[simt][faults]") {
  check_faults(__FILE__, {{"host code reads device memory", FaultKind::host_access, host_reads, true},
                          {"host code writes device memory", FaultKind::host_access, host_writes, true}});
}

// Broken: a report of a host access does not lead to the code that did it.
TEST_CASE("a host access is reported with its place", "[simt][faults]") {
  float* x = zeroed_array<float>(32);
  agon_simt_take_reports();
  write_directly(x);
  finish();
  const auto reports = nlohmann::json::parse(agon_simt_take_reports());
  REQUIRE(reports.size() == 1);
  const std::string file = reports[0]["file"];
  const auto plus = file.rfind("+0x");
  REQUIRE(plus != std::string::npos);
  const std::uint64_t offset = std::stoull(file.substr(plus + 3), nullptr, 16);
  Dl_info info;
  REQUIRE(dladdr(reinterpret_cast<void*>(&write_directly), &info));
  const auto start =
      reinterpret_cast<std::uint64_t>(&write_directly) - reinterpret_cast<std::uint64_t>(info.dli_fbase);
  CHECK(offset - start < 64);
  cudaDeviceReset();
}

// Broken: a launch that no such device would take runs on the simulated one.
TEST_CASE("planted launches beyond the limits are caught", "[simt][faults]") {
  const auto limits = FaultKind::launch_limits;
  check_faults(__FILE__, {{"too many threads a block", limits,
                           [](bool broken) { nothing<<<1, broken ? 1056 : 1024>>>(); }, true},
                          {"too many threads along z", limits,
                           [](bool broken) { nothing<<<1, dim3(1, 1, broken ? 65 : 64)>>>(); }, true},
                          {"too much dynamic shared memory", limits,
                           [](bool broken) { nothing<<<1, 32, broken ? 64 * 1024 : 48 * 1024>>>(); }, true},
                          {"too many blocks along y", limits,
                           [](bool broken) { nothing<<<dim3(1, broken ? 65536 : 65535), 1>>>(); }, true}});
}
