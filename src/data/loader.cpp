#include "agon/loader.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "agon/error.h"

#include "data/augment.h"
#include "data/permutation.h"

namespace agon {
namespace {

/// One batch of the ring.
struct Slot {
  Buffer images, labels;
  std::exception_ptr error;
  bool ready = false;
};

void check_options(const Dataset& set, const LoaderOptions& options, const Augmentation& augmentation) {
  const auto usage = [](bool good, const auto& message) {
    check(good, ErrorKind::usage, "loader: {}", message);
  };
  usage(options.batch_size >= 1, fmt::format("a batch of {} images", options.batch_size));
  usage(static_cast<uint64_t>(options.batch_size) <= set.size(),
        fmt::format("a batch of {} images from a data set of {}; choose a smaller batch size",
                    options.batch_size, set.size()));
  usage(options.prefetch >= 1 && options.threads >= 1,
        fmt::format("prefetch {} and threads {}; both are at least 1", options.prefetch, options.threads));
  const ImageShape& shape = set.shape();
  usage(options.pad >= 0 && options.pad < shape.height && options.pad < shape.width,
        fmt::format("a reflected pad of {} on images of {}; it must be smaller than they are", options.pad,
                    shape.str()));
  const int height = shape.height + 2 * options.pad, width = shape.width + 2 * options.pad;
  usage(augmentation.height >= 1 && augmentation.width >= 1 && augmentation.height <= height &&
            augmentation.width <= width,
        fmt::format("a crop of {}x{} from images of {}x{}", augmentation.width, augmentation.height, width,
                    height));
}

Augmentation augmentation_of(const ImageShape& shape, const LoaderOptions& options) {
  return {.source = shape,
          .height = options.crop_height ? options.crop_height : shape.height,
          .width = options.crop_width ? options.crop_width : shape.width,
          .pad = options.pad,
          .flip = options.flip,
          .seed = options.seed};
}

}  // namespace

/// The threads and the ring between them and the caller. Batches are numbered from the start of the run;
/// number n lies in slot n mod ring size. Threads take numbers in order, as long as the slot is free.
class Loader::Engine {
 public:
  Engine(DatasetPtr dataset, const LoaderOptions& options)
      : dataset_(std::move(dataset)),
        options_(options),
        augmentation_(augmentation_of(dataset_->shape(), options)) {
    check_options(*dataset_, options, augmentation_);
    batches_per_epoch_ = dataset_->size() / static_cast<uint64_t>(options.batch_size);
    // One more than is made ahead: the one that the caller holds.
    slots_.resize(static_cast<size_t>(options.prefetch) + 1);
    for (Slot& slot : slots_) {
      slot.images = Buffer(static_cast<size_t>(batch_shape().numel()) * sizeof(float));
      slot.labels = Buffer(static_cast<size_t>(options.batch_size) * sizeof(int32_t));
    }
    scratch_.resize(static_cast<size_t>(options.threads), std::vector<uint8_t>(dataset_->shape().bytes()));
    for (std::vector<uint8_t>& image : scratch_)
      threads_.emplace_back([this, &image](const std::stop_token& stop) { work(stop, image); });
  }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  Batch next() {
    std::unique_lock lock(mutex_);
    if (holding_) {
      slot_of(oldest_).ready = false;
      ++oldest_;
      holding_ = false;
      work_to_do_.notify_one();
    }
    Slot& slot = slot_of(oldest_);
    batch_done_.wait(lock, [&] { return slot.ready; });
    if (slot.error) std::rethrow_exception(slot.error);
    holding_ = true;
    const auto* images = reinterpret_cast<const float*>(slot.images.data());
    const auto* labels = reinterpret_cast<const int32_t*>(slot.labels.data());
    return {{images, static_cast<size_t>(batch_shape().numel())},
            {labels, static_cast<size_t>(options_.batch_size)},
            position_of(oldest_)};
  }

  LoaderPosition position() const {
    std::lock_guard lock(mutex_);
    return position_of(oldest_ + (holding_ ? 1 : 0));
  }

  void seek(const LoaderPosition& position) {
    uint64_t first = 0;
    const bool countable =
        !__builtin_mul_overflow(position.epoch, batches_per_epoch_, &first) && first >> 48 == 0;
    check(countable && position.batch < batches_per_epoch_, ErrorKind::usage,
          "loader: no batch {} in epoch {}; an epoch has {} batches", position.batch, position.epoch,
          batches_per_epoch_);
    std::unique_lock lock(mutex_);
    seeking_ = true;
    batch_done_.wait(lock, [&] { return in_the_making_ == 0; });
    for (Slot& slot : slots_) {
      slot.ready = false;
      slot.error = nullptr;
    }
    oldest_ = upcoming_ = first + position.batch;
    holding_ = seeking_ = false;
    work_to_do_.notify_all();
  }

  Shape batch_shape() const {
    return {options_.batch_size, augmentation_.height, augmentation_.width, dataset_->shape().channels};
  }
  uint64_t batches_per_epoch() const { return batches_per_epoch_; }

 private:
  Slot& slot_of(uint64_t number) { return slots_[number % slots_.size()]; }
  LoaderPosition position_of(uint64_t number) const {
    return {number / batches_per_epoch_, number % batches_per_epoch_};
  }

  /// `image` is the thread's own scratch memory.
  void work(const std::stop_token& stop, std::span<uint8_t> image) {
    std::unique_lock lock(mutex_);
    while (work_to_do_.wait(lock, stop, [&] { return !seeking_ && upcoming_ < oldest_ + slots_.size(); })) {
      if (stop.stop_requested()) return;
      const uint64_t number = upcoming_++;
      Slot& slot = slot_of(number);
      ++in_the_making_;
      lock.unlock();
      std::exception_ptr error;
      try {
        make(number, slot, image);
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      --in_the_making_;
      slot.error = error;
      slot.ready = true;
      batch_done_.notify_all();
    }
  }

  void make(uint64_t number, Slot& slot, std::span<uint8_t> image) const {
    const auto [epoch, batch] = position_of(number);
    const auto size = static_cast<uint64_t>(options_.batch_size);
    const Permutation permutation(dataset_->size(), options_.seed, epoch);
    auto* images = reinterpret_cast<float*>(slot.images.data());
    auto* labels = reinterpret_cast<int32_t*>(slot.labels.data());
    const auto floats = static_cast<size_t>(batch_shape().numel()) / size;
    for (uint64_t i = 0; i < size; ++i) {
      const uint64_t place = batch * size + i;
      uint64_t index = options_.shuffle ? permutation(place) : place;
      if (dataset_->unlimited()) index += epoch * dataset_->size();
      labels[i] = dataset_->read(index, image);
      augmentation_.apply(image, number * size + i, {images + i * floats, floats});
    }
  }

  DatasetPtr dataset_;
  LoaderOptions options_;
  Augmentation augmentation_;
  uint64_t batches_per_epoch_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable_any work_to_do_, batch_done_;
  std::vector<Slot> slots_;
  uint64_t oldest_ = 0;    ///< the batch that the caller holds, else the one that next() gives
  uint64_t upcoming_ = 0;  ///< the batch that the next free thread makes
  int in_the_making_ = 0;
  bool holding_ = false, seeking_ = false;
  std::vector<std::vector<uint8_t>> scratch_;
  std::vector<std::jthread> threads_;  ///< last: they end before what they use
};

Loader::Loader(DatasetPtr dataset, const LoaderOptions& options)
    : engine_(std::make_unique<Engine>(std::move(dataset), options)) {}
Loader::~Loader() = default;

Batch Loader::next() {
  return engine_->next();
}
LoaderPosition Loader::position() const {
  return engine_->position();
}
void Loader::seek(const LoaderPosition& position) {
  engine_->seek(position);
}
Shape Loader::batch_shape() const {
  return engine_->batch_shape();
}
uint64_t Loader::batches_per_epoch() const {
  return engine_->batches_per_epoch();
}

}  // namespace agon
