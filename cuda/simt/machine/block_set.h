// The blocks that a host thread runs side by side, and which blocks those are.
#pragma once

#include <memory>
#include <vector>

#include "cuda/simt/machine/worker.h"

namespace agon::simt {

// Splits a launch's blocks, in an order that the seed picks, into groups that run side by side. A cooperative
// launch has as many groups as threads, so that all its blocks are there at once.
class Groups {
 public:
  Groups(const Launch& launch, int threads);
  std::uint64_t count() const { return (total_ + size_ - 1) / size_; }
  std::uint64_t largest() const { return size_; }
  std::vector<std::uint64_t> blocks(std::uint64_t group) const;

 private:
  std::uint64_t total_, size_, stride_, offset_;
};

// Registers, shared and local memory for as many blocks at once as a group has, and their scheduler.
class BlockSet {
 public:
  BlockSet(Worker& worker, std::uint64_t blocks);
  ~BlockSet();

  // Runs these blocks to their end, in an interleaving that follows from the launch's seed and `group`.
  // Throws Stopped after a fault that ends the launch.
  void run(std::uint64_t group, const std::vector<std::uint64_t>& blocks);

 private:
  struct Storage;
  void begin(Storage& storage, std::uint64_t linear);
  void run_warp(Warp& w);
  void wake(Block& block);
  void interleave();
  static void check_finished(Block& block);

  Worker& worker_;
  std::vector<std::unique_ptr<Storage>> storage_;
  std::vector<Warp*> runnable_;
};

}  // namespace agon::simt
