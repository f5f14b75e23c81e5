// Programs over several streams, events and graphs, under several orders of execution.
#include "catch.h"
#include "programs.h"

using namespace programs;

namespace {

constexpr int n = 300;

struct Stream {
  cudaStream_t handle = nullptr;
  Stream() { check(cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking), "stream"); }
  ~Stream() { cudaStreamDestroy(handle); }
};

struct Event {
  cudaEvent_t handle = nullptr;
  Event() { check(cudaEventCreateWithFlags(&handle, cudaEventDisableTiming), "event"); }
  ~Event() { cudaEventDestroy(handle); }
};

// Two branches from `origin`, which join there: z = 2 * (x = 1) + (y = 3), then w = 10 * z + x.
void fork_and_join(Stream& origin, Stream& left, Stream& right, Event (&events)[3], float* x, float* y,
                   float* z, float* w) {
  check(cudaEventRecord(events[0].handle, origin.handle), "record");
  check(cudaStreamWaitEvent(left.handle, events[0].handle, 0), "wait");
  check(cudaStreamWaitEvent(right.handle, events[0].handle, 0), "wait");
  fill(x, n, 1, left.handle);
  fill(y, n, 3, right.handle);
  check(cudaEventRecord(events[1].handle, left.handle), "record");
  check(cudaEventRecord(events[2].handle, right.handle), "record");
  check(cudaStreamWaitEvent(origin.handle, events[1].handle, 0), "wait");
  check(cudaStreamWaitEvent(origin.handle, events[2].handle, 0), "wait");
  scale_add(x, y, z, n, 2, origin.handle);
  scale_add(z, x, w, n, 10, origin.handle);
}

}  // namespace

// Broken: work that overtakes what its events order, or is run before it may.
TEST_CASE("streams joined by events", "[programs]") {
  for (int seed = 0; seed < 8; ++seed) {
    set_seed(seed);
    DeviceArray<float> x(n), y(n), z(n), w(n);
    Stream origin, left, right;
    Event events[3];
    fork_and_join(origin, left, right, events, x.data(), y.data(), z.data(), w.data());
    finish();
    CHECK(z.host() == std::vector<float>(n, 5));
    CHECK(w.host() == std::vector<float>(n, 51));
  }
}

// Broken: capture, the edges of the captured graph, or its replays.
TEST_CASE("a captured graph of three streams, replayed", "[programs]") {
  for (int seed = 0; seed < 8; ++seed) {
    set_seed(seed);
    DeviceArray<float> x(n), y(n), z(n), w(n);
    DeviceArray<int> counter(1);
    counter.zero();
    Stream origin, left, right;
    Event events[3];
    check(cudaStreamBeginCapture(origin.handle, cudaStreamCaptureModeThreadLocal), "begin");
    check(cudaMemsetAsync(z.data(), 0, n * sizeof(float), origin.handle), "memset");
    fork_and_join(origin, left, right, events, x.data(), y.data(), z.data(), w.data());
    bump(counter.data(), origin.handle);
    check(cudaMemcpyAsync(y.data(), w.data(), n * sizeof(float), cudaMemcpyDeviceToDevice, origin.handle),
          "copy");
    cudaGraph_t graph = nullptr;
    check(cudaStreamEndCapture(origin.handle, &graph), "end");
    size_t nodes = 0;
    check(cudaGraphGetNodes(graph, nullptr, &nodes), "nodes");
    CHECK(nodes == 7);
    CHECK(counter.host()[0] == 0);  // capture runs nothing
    cudaGraphExec_t exec = nullptr;
    check(cudaGraphInstantiate(&exec, graph, 0), "instantiate");
    for (int replay = 0; replay < 3; ++replay) check(cudaGraphLaunch(exec, origin.handle), "launch");
    finish();
    CHECK(counter.host()[0] == 3);
    CHECK(y.host() == std::vector<float>(n, 51));
    check(cudaGraphExecDestroy(exec), "destroy");
    check(cudaGraphDestroy(graph), "destroy");
  }
}

// Broken: double-buffered copies that a kernel's read overtakes.
TEST_CASE("copies on one stream beside work on another", "[programs]") {
  constexpr int rounds = 6;
  for (int seed = 0; seed < 4; ++seed) {
    set_seed(seed);
    float* pinned = nullptr;
    check(cudaMallocHost(reinterpret_cast<void**>(&pinned), 2 * n * sizeof(float)), "pinned");
    DeviceArray<float> input(2 * n), sum(n);
    sum.zero();
    Stream copies, work;
    Event ready[2], done[2];
    for (int round = 0; round < rounds; ++round) {
      const int half = round % 2;
      float* const from = pinned + half * n;
      float* const to = input.data() + half * n;
      if (round >= 2) check(cudaEventSynchronize(done[half].handle), "synchronize");
      for (int i = 0; i < n; ++i) from[i] = static_cast<float>(round * n + i);
      check(cudaMemcpyAsync(to, from, n * sizeof(float), cudaMemcpyHostToDevice, copies.handle), "copy");
      check(cudaEventRecord(ready[half].handle, copies.handle), "record");
      check(cudaStreamWaitEvent(work.handle, ready[half].handle, 0), "wait");
      scale_add(to, sum.data(), sum.data(), n, 1, work.handle);
      check(cudaEventRecord(done[half].handle, work.handle), "record");
      // The next copy into this half waits for the work that reads it.
      check(cudaStreamWaitEvent(copies.handle, done[half].handle, 0), "wait");
    }
    finish();
    const std::vector<float> found = sum.host();
    for (int i = 0; i < n; ++i)
      REQUIRE(found[static_cast<size_t>(i)] ==
              static_cast<float>(rounds * (rounds - 1) / 2 * n + rounds * i));
    check(cudaFreeHost(pinned), "free");
  }
}
