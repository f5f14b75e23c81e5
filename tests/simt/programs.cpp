#include "programs.h"

#include <stdexcept>

#include "cuda/simt/simt.h"

namespace programs {

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  throw std::runtime_error(std::string(what) + ": " + cudaGetErrorName(status) + " " +
                           agon_simt_last_message() + " " + agon_simt_take_reports());
}

void finish() {
  check(cudaGetLastError(), "launch");
  check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  const std::string reports = agon_simt_take_reports();
  if (reports != "[]") throw std::runtime_error("reports: " + reports);
}

void set_seed(int seed) {
  agon_simt_set("seed", std::to_string(seed).c_str());
}

std::vector<float> random_floats(size_t size, unsigned seed, float low, float high) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> values(low, high);
  std::vector<float> x(size);
  for (float& v : x) v = values(random);
  return x;
}

std::vector<int> random_ints(size_t size, unsigned seed, int low, int high) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> values(low, high);
  std::vector<int> x(size);
  for (int& v : x) v = values(random);
  return x;
}

}  // namespace programs
