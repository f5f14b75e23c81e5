// Whole programs through the runtime's API, as nvcc compiles them.
#include <numeric>
#include <set>

#include "api_fixture.h"

using namespace simt_test;

namespace {

__global__ void saxpy(int n, float a, const float* x, float* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = a * x[i] + y[i];
}

__global__ void sum_blocks(const float* x, int n, float* sums) {
  extern __shared__ float partial[];
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  partial[threadIdx.x] = i < n ? x[i] : 0.0f;
  __syncthreads();
  for (int half = blockDim.x / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) sums[blockIdx.x] = partial[0];
}

__global__ void add_to(int* x, int value) {
  x[threadIdx.x] += value;
}
__global__ void multiply(int* x, int value) {
  x[threadIdx.x] *= value;
}
__global__ void set(int* x, int value) {
  x[threadIdx.x] = value;
}

__device__ float scale = 3.0f;
__device__ int table[4];
__constant__ float offsets[2] = {10.0f, 20.0f};

__global__ void affine(float* x) {
  x[threadIdx.x] = scale * x[threadIdx.x] + offsets[threadIdx.x % 2];
}

std::vector<float> ramp(int n) {
  std::vector<float> x(n);
  std::iota(x.begin(), x.end(), 1.0f);
  return x;
}

}  // namespace

// Broken: no program of the CUDA library would run on the simulator at all.
TEST_CASE("saxpy runs", "[simt][api]") {
  FreshDevice fresh;
  const int n = 1000;
  float* x = to_device(ramp(n));
  float* y = to_device(std::vector<float>(n, 0.5f));
  saxpy<<<(n + 127) / 128, 128>>>(n, 2.0f, x, y);
  REQUIRE(cudaGetLastError() == cudaSuccess);
  const std::vector<float> result = to_host(y, n);
  for (int i = 0; i < n; ++i) REQUIRE(result[i] == 2.0f * (i + 1) + 0.5f);
  CHECK(std::string(agon_simt_take_reports()) == "[]");
}

// Broken: dynamic shared memory or barriers would not work.
TEST_CASE("a reduction through shared memory runs", "[simt][api]") {
  FreshDevice fresh;
  const int n = 1000, threads = 256, blocks = 4;
  float* x = to_device(ramp(n));
  float* sums = to_device(std::vector<float>(blocks, -1.0f));
  sum_blocks<<<blocks, threads, threads * sizeof(float)>>>(x, n, sums);
  const std::vector<float> result = to_host(sums, blocks);
  CHECK(std::accumulate(result.begin(), result.end(), 0.0f) == 500500.0f);
  CHECK(result[0] == 32896.0f);
  CHECK(std::string(agon_simt_take_reports()) == "[]");
}

// Broken: work would run at the launch call, which hides missing waits of the host.
TEST_CASE("a launch only queues", "[simt][api]") {
  FreshDevice fresh;
  cudaStream_t stream;
  REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
  int *x = nullptr, *pinned = nullptr;
  REQUIRE(cudaMalloc(&x, 128) == cudaSuccess);
  REQUIRE(cudaMallocHost(&pinned, 128) == cudaSuccess);
  pinned[0] = -7;
  set<<<1, 32, 0, stream>>>(x, 5);
  REQUIRE(cudaMemcpyAsync(pinned, x, 128, cudaMemcpyDeviceToHost, stream) == cudaSuccess);
  CHECK(pinned[0] == -7);
  CHECK(cudaStreamQuery(stream) == cudaErrorNotReady);
  CHECK(cudaGetLastError() == cudaSuccess);
  REQUIRE(cudaStreamSynchronize(stream) == cudaSuccess);
  CHECK(pinned[0] == 5);
  CHECK(pinned[31] == 5);
  CHECK(cudaStreamQuery(stream) == cudaSuccess);
}

// Broken: a program that polls instead of waiting would hang.
TEST_CASE("polling gets on", "[simt][api]") {
  FreshDevice fresh;
  int* x = to_device(std::vector<int>(32, 0));
  cudaEvent_t event;
  REQUIRE(cudaEventCreate(&event) == cudaSuccess);
  for (int i = 0; i < 5; ++i) add_to<<<1, 32>>>(x, 1);
  REQUIRE(cudaEventRecord(event) == cudaSuccess);
  int polls = 0;
  while (cudaEventQuery(event) == cudaErrorNotReady) ++polls;
  CHECK(polls > 0);
  CHECK(to_host(x, 32)[3] == 5);
}

// Broken: variables of the device would have no initial values, or none that the host reaches.
TEST_CASE("device and constant variables", "[simt][api]") {
  FreshDevice fresh;
  float* x = to_device(std::vector<float>{1, 2, 3, 4});
  affine<<<1, 4>>>(x);
  CHECK(to_host(x, 4) == std::vector<float>{13, 26, 19, 32});
  const float two = 2, offset = 100;
  REQUIRE(cudaMemcpyToSymbol(scale, &two, sizeof two) == cudaSuccess);
  REQUIRE(cudaMemcpyToSymbol(offsets, &offset, sizeof offset, sizeof offset) == cudaSuccess);
  affine<<<1, 4>>>(x);
  CHECK(to_host(x, 4) == std::vector<float>{36, 152, 48, 164});
  float read = 0;
  REQUIRE(cudaMemcpyFromSymbol(&read, scale, sizeof read) == cudaSuccess);
  CHECK(read == 2);
  size_t bytes = 0;
  REQUIRE(cudaGetSymbolSize(&bytes, table) == cudaSuccess);
  CHECK(bytes == 16);
  CHECK(cudaMemcpyToSymbol(scale, &two, sizeof two, sizeof two) == cudaErrorInvalidSymbol);
  CHECK(cudaGetLastError() == cudaErrorInvalidSymbol);
}

// Broken: after a reset the program's variables would keep values of a device that is gone.
TEST_CASE("a reset gives variables their initial values again", "[simt][api]") {
  FreshDevice fresh;
  const float two = 2;
  REQUIRE(cudaMemcpyToSymbol(scale, &two, sizeof two) == cudaSuccess);
  REQUIRE(cudaDeviceReset() == cudaSuccess);
  float read = 0;
  REQUIRE(cudaMemcpyFromSymbol(&read, scale, sizeof read) == cudaSuccess);
  CHECK(read == 3);
}

// Broken: a captured iteration would run at capture, or only once.
TEST_CASE("a captured stream runs as a graph, again and again", "[simt][api]") {
  FreshDevice fresh;
  int* x = to_device(std::vector<int>(32, 1));
  cudaStream_t stream;
  REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
  REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  add_to<<<1, 32, 0, stream>>>(x, 2);
  multiply<<<1, 32, 0, stream>>>(x, 3);
  cudaGraph_t graph;
  REQUIRE(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
  size_t nodes = 0;
  REQUIRE(cudaGraphGetNodes(graph, nullptr, &nodes) == cudaSuccess);
  CHECK(nodes == 2);
  cudaGraphExec_t exec;
  REQUIRE(cudaGraphInstantiate(&exec, graph, 0) == cudaSuccess);
  REQUIRE(cudaGraphDestroy(graph) == cudaSuccess);
  CHECK(to_host(x, 1)[0] == 1);
  REQUIRE(cudaGraphLaunch(exec, stream) == cudaSuccess);
  REQUIRE(cudaGraphLaunch(exec, stream) == cudaSuccess);
  REQUIRE(cudaStreamSynchronize(stream) == cudaSuccess);
  CHECK(to_host(x, 32)[31] == ((1 + 2) * 3 + 2) * 3);
  REQUIRE(cudaGraphExecDestroy(exec) == cudaSuccess);
  CHECK(std::string(agon_simt_take_reports()) == "[]");
}

// Broken: a launch that asks for less shared memory than one before it takes it from that one's graph, which
// a driver may refuse then.
TEST_CASE("a graph is held against the shared memory that its kernels may have by now", "[simt][api]") {
  FreshDevice fresh;
  float *x = to_device(ramp(32)), *sums = to_device(std::vector<float>(1));
  cudaStream_t stream;
  cudaGraph_t graph;
  cudaGraphExec_t exec;
  const auto may_have = [](int bytes) {
    return cudaFuncSetAttribute(sum_blocks, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  };
  REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
  REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  REQUIRE(may_have(80 << 10) == cudaSuccess);
  sum_blocks<<<1, 32, 80 << 10, stream>>>(x, 32, sums);
  REQUIRE(may_have(60 << 10) == cudaSuccess);
  sum_blocks<<<1, 32, 60 << 10, stream>>>(x, 32, sums);
  REQUIRE(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
  CHECK(cudaGraphInstantiate(&exec, graph, 0) == cudaErrorInvalidValue);
  REQUIRE(may_have(80 << 10) == cudaSuccess);
  CHECK(cudaGraphInstantiate(&exec, graph, 0) == cudaSuccess);
  cudaGetLastError();
  agon_simt_take_reports();
}

// Broken: forked streams in a capture would lose their edges, and branches would race or wait needlessly.
TEST_CASE("a capture over two streams keeps fork and join", "[simt][api]") {
  for (const char* seed : {"1", "2", "3", "4"}) {
    FreshDevice fresh;
    REQUIRE(agon_simt_set("seed", seed) == 0);
    int *x = to_device(std::vector<int>(32, 1)), *y = to_device(std::vector<int>(32, 10));
    cudaStream_t a, b;
    cudaEvent_t fork, join;
    REQUIRE(cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking) == cudaSuccess);
    REQUIRE(cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking) == cudaSuccess);
    REQUIRE(cudaEventCreateWithFlags(&fork, cudaEventDisableTiming) == cudaSuccess);
    REQUIRE(cudaEventCreateWithFlags(&join, cudaEventDisableTiming) == cudaSuccess);
    REQUIRE(cudaStreamBeginCapture(a, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
    add_to<<<1, 32, 0, a>>>(x, 1);
    REQUIRE(cudaEventRecord(fork, a) == cudaSuccess);
    REQUIRE(cudaStreamWaitEvent(b, fork, 0) == cudaSuccess);
    multiply<<<1, 32, 0, a>>>(x, 2);
    add_to<<<1, 32, 0, b>>>(y, 5);
    REQUIRE(cudaEventRecord(join, b) == cudaSuccess);
    REQUIRE(cudaStreamWaitEvent(a, join, 0) == cudaSuccess);
    REQUIRE(cudaMemcpyAsync(x, y, 64, cudaMemcpyDeviceToDevice, a) == cudaSuccess);
    cudaGraph_t graph;
    REQUIRE(cudaStreamEndCapture(a, &graph) == cudaSuccess);
    size_t edges = 0;
    REQUIRE(cudaGraphGetEdges(graph, nullptr, nullptr, nullptr, &edges) == cudaSuccess);
    CHECK(edges == 4);
    cudaGraphExec_t exec;
    REQUIRE(cudaGraphInstantiate(&exec, graph, 0) == cudaSuccess);
    REQUIRE(cudaGraphLaunch(exec, a) == cudaSuccess);
    REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
    const std::vector<int> result = to_host(x, 32);
    CHECK(result[0] == 15);
    CHECK(result[15] == 15);
    CHECK(result[16] == 4);
    CHECK(std::string(agon_simt_take_reports()) == "[]");
  }
}

// Broken: a stream that never came back into the capture would be lost without a word.
TEST_CASE("captures that are not whole are refused", "[simt][api]") {
  FreshDevice fresh;
  int* x = to_device(std::vector<int>(32, 1));
  cudaStream_t a, b, blocking;
  cudaEvent_t fork;
  REQUIRE(cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking) == cudaSuccess);
  REQUIRE(cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking) == cudaSuccess);
  REQUIRE(cudaStreamCreate(&blocking) == cudaSuccess);
  REQUIRE(cudaEventCreate(&fork) == cudaSuccess);
  cudaGraph_t graph;

  REQUIRE(cudaStreamBeginCapture(a, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  REQUIRE(cudaEventRecord(fork, a) == cudaSuccess);
  REQUIRE(cudaStreamWaitEvent(b, fork, 0) == cudaSuccess);
  add_to<<<1, 32, 0, b>>>(x, 1);
  CHECK(cudaStreamEndCapture(a, &graph) == cudaErrorStreamCaptureUnjoined);

  REQUIRE(cudaStreamBeginCapture(a, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  CHECK(cudaStreamSynchronize(a) == cudaErrorStreamCaptureUnsupported);
  CHECK(cudaStreamEndCapture(a, &graph) == cudaErrorStreamCaptureInvalidated);

  REQUIRE(cudaStreamBeginCapture(a, cudaStreamCaptureModeGlobal) == cudaSuccess);
  int* more = nullptr;
  CHECK(cudaMalloc(&more, 16) == cudaErrorStreamCaptureUnsupported);
  CHECK(cudaStreamEndCapture(a, &graph) == cudaErrorStreamCaptureInvalidated);

  REQUIRE(cudaStreamBeginCapture(blocking, cudaStreamCaptureModeRelaxed) == cudaSuccess);
  add_to<<<1, 32>>>(x, 1);
  CHECK(cudaGetLastError() == cudaErrorStreamCaptureImplicit);
  CHECK(cudaStreamEndCapture(blocking, &graph) == cudaErrorStreamCaptureInvalidated);
}

// Broken: graphs built by hand or changed after instantiation would run the old parameters.
TEST_CASE("graphs built by hand, changed and updated", "[simt][api]") {
  FreshDevice fresh;
  int* x = to_device(std::vector<int>(32, 0));
  int five = 5, six = 6;
  void *args[] = {&x, &five}, *changed[] = {&x, &six};
  cudaGraph_t graph;
  REQUIRE(cudaGraphCreate(&graph, 0) == cudaSuccess);
  cudaMemsetParams fill = {};
  fill.dst = x;
  fill.elementSize = 4;
  fill.width = 32;
  fill.height = 1;
  fill.value = 7;
  cudaKernelNodeParams kernel = {};
  kernel.func = reinterpret_cast<void*>(add_to);
  kernel.gridDim = 1;
  kernel.blockDim = 32;
  kernel.kernelParams = args;
  cudaGraphNode_t filled, added;
  REQUIRE(cudaGraphAddMemsetNode(&filled, graph, nullptr, 0, &fill) == cudaSuccess);
  REQUIRE(cudaGraphAddKernelNode(&added, graph, &filled, 1, &kernel) == cudaSuccess);
  cudaGraphNodeType type;
  REQUIRE(cudaGraphNodeGetType(filled, &type) == cudaSuccess);
  CHECK(type == cudaGraphNodeTypeMemset);
  cudaGraphExec_t exec;
  REQUIRE(cudaGraphInstantiate(&exec, graph, 0) == cudaSuccess);
  REQUIRE(cudaGraphLaunch(exec, nullptr) == cudaSuccess);
  kernel.kernelParams = changed;
  REQUIRE(cudaGraphExecKernelNodeSetParams(exec, added, &kernel) == cudaSuccess);
  CHECK(to_host(x, 1)[0] == 12);  // the launch before the change
  REQUIRE(cudaGraphLaunch(exec, nullptr) == cudaSuccess);
  CHECK(to_host(x, 1)[0] == 13);

  kernel.kernelParams = args;
  REQUIRE(cudaGraphKernelNodeSetParams(added, &kernel) == cudaSuccess);
  cudaGraphExecUpdateResultInfo info;
  REQUIRE(cudaGraphExecUpdate(exec, graph, &info) == cudaSuccess);
  REQUIRE(cudaGraphLaunch(exec, nullptr) == cudaSuccess);
  CHECK(to_host(x, 1)[0] == 12);
  cudaGraphNode_t extra;
  REQUIRE(cudaGraphAddEmptyNode(&extra, graph, &added, 1) == cudaSuccess);
  CHECK(cudaGraphExecUpdate(exec, graph, &info) == cudaErrorGraphExecUpdateFailure);
  CHECK(info.result == cudaGraphExecUpdateErrorTopologyChanged);
}

// Broken: autotuning on the simulator would divide by zero or pick at random.
TEST_CASE("events measure simulated time", "[simt][api]") {
  FreshDevice fresh;
  const int n = 1 << 16;
  float *x = to_device(std::vector<float>(n, 1.0f)), *y = to_device(std::vector<float>(n, 1.0f));
  cudaEvent_t events[3];
  for (cudaEvent_t& event : events) REQUIRE(cudaEventCreate(&event) == cudaSuccess);
  REQUIRE(cudaEventRecord(events[0]) == cudaSuccess);
  saxpy<<<n / 256, 256>>>(n, 2.0f, x, y);
  REQUIRE(cudaEventRecord(events[1]) == cudaSuccess);
  for (int i = 0; i < 10; ++i) saxpy<<<n / 256, 256>>>(n, 2.0f, x, y);
  REQUIRE(cudaEventRecord(events[2]) == cudaSuccess);
  float once = 0, often = 0;
  CHECK(cudaEventElapsedTime(&once, events[0], events[1]) == cudaErrorNotReady);
  REQUIRE(cudaEventSynchronize(events[2]) == cudaSuccess);
  REQUIRE(cudaEventElapsedTime(&once, events[0], events[1]) == cudaSuccess);
  REQUIRE(cudaEventElapsedTime(&often, events[1], events[2]) == cudaSuccess);
  CHECK(once > 0.001f);
  CHECK(once < 0.1f);
  CHECK(often > 5 * once);
}

// Broken: host functions would run at the call, or not in their place.
TEST_CASE("host functions run in the stream's order", "[simt][api]") {
  FreshDevice fresh;
  int* pinned = nullptr;
  REQUIRE(cudaMallocHost(&pinned, 128) == cudaSuccess);
  int* x = to_device(std::vector<int>(32, 4));
  REQUIRE(cudaMemcpyAsync(pinned, x, 128, cudaMemcpyDeviceToHost, nullptr) == cudaSuccess);
  pinned[0] = 0;
  REQUIRE(cudaLaunchHostFunc(
              nullptr, [](void* p) { static_cast<int*>(p)[0] *= 10; }, pinned) == cudaSuccess);
  REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
  CHECK(pinned[0] == 40);
}

namespace {

struct Plan {
  int count;
  int values[8];
  float* out;
};

__device__ __noinline__ int pick(const int* values, int i) {
  return values[i];
}

__global__ void plan_kernel(const __grid_constant__ Plan plan, int shift) {
  const int i = threadIdx.x;
  if (i < plan.count) plan.out[i] = static_cast<float>(plan.values[i] + pick(plan.values, (i + shift) % 8));
}

}  // namespace

// Broken: kernels that index into their parameters, or hand their address on, would read something else.
TEST_CASE("parameters are read at computed places and through pointers", "[simt][api]") {
  FreshDevice fresh;
  Plan plan = {8, {1, 2, 4, 8, 16, 32, 64, 128}, to_device(std::vector<float>(8, 0.0f))};
  plan_kernel<<<1, 32>>>(plan, 3);
  CHECK(to_host(plan.out, 8) == std::vector<float>{9, 18, 36, 72, 144, 33, 66, 132});
}

namespace {

// The last block to arrive adds up what all have left, and leaves the counter at zero again.
__global__ void last_block_sums(const float* x, float* parts, unsigned* counter, float* sum) {
  __shared__ bool last;
  if (threadIdx.x == 0) parts[blockIdx.x] = x[blockIdx.x];
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    last = atomicAdd(counter, 1u) == gridDim.x - 1;
    if (last) atomicExch(counter, 0u);
  }
  __syncthreads();
  if (!last) return;
  __threadfence();
  float total = 0;
  for (unsigned i = 0; i < gridDim.x; ++i) total += parts[i];
  sum[threadIdx.x] = total;
}

}  // namespace

// Broken: kernels that merge partial results in their last block would race, or be said to.
TEST_CASE("the last block to arrive sees what all others wrote", "[simt][api]") {
  for (const char* seed : {"1", "2", "3", "4", "5"}) {
    FreshDevice fresh;
    REQUIRE(agon_simt_set("seed", seed) == 0);
    float *x = to_device(ramp(20)), *parts = to_device(ramp(20)), *sum = to_device(ramp(64));
    unsigned* counter = to_device(std::vector<unsigned>{0});
    for (int launch = 0; launch < 2; ++launch) last_block_sums<<<20, 64>>>(x, parts, counter, sum);
    CHECK(to_host(sum, 64) == std::vector<float>(64, 210.0f));
    CHECK(std::string(agon_simt_take_reports()) == "[]");
  }
}

namespace {

// Each thread reads and writes its own half of a word, again and again.
__global__ void halves(unsigned short* x, int rounds) {
  __shared__ unsigned short s[64];
  const unsigned i = threadIdx.x * gridDim.x + blockIdx.x;
  s[threadIdx.x] = x[i];
  for (int round = 0; round < rounds; ++round) {
    s[threadIdx.x] = static_cast<unsigned short>(s[threadIdx.x] + 1);
    x[i] = static_cast<unsigned short>(x[i] + s[threadIdx.x]);
  }
}

}  // namespace

// Broken: bf16 kernels whose threads or blocks share a word would be said to race.
TEST_CASE("threads that keep to their half of a word do not race", "[simt][api]") {
  for (const char* seed : {"1", "2", "3"}) {
    FreshDevice fresh;
    REQUIRE(agon_simt_set("seed", seed) == 0);
    unsigned short* x = to_device(std::vector<unsigned short>(128, 1));
    halves<<<2, 64>>>(x, 3);
    CHECK(to_host(x, 128) == std::vector<unsigned short>(128, 10));
    CHECK(std::string(agon_simt_take_reports()) == "[]");
  }
}
