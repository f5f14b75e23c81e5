#include "agon/dataset.h"
#include "agon/error.h"
#include "agon/philox.h"

#include "data/streams.h"

namespace agon {
namespace {

constexpr uint64_t group = 5;

/// The part of a set, by arithmetic alone, so that unlimited sets split as well.
class PartDataset : public Dataset {
 public:
  PartDataset(DatasetPtr whole, Part part, uint64_t seed, DatasetTraits traits)
      : Dataset(std::move(traits)), whole_(std::move(whole)), part_(part), seed_(seed) {}

 protected:
  void read_pixels(uint64_t index, std::span<uint8_t> pixels) const override {
    whole_->read(index_in_whole(index), pixels);
  }
  int32_t read_label(uint64_t index) const override { return whole_->label(index_in_whole(index)); }

 private:
  uint64_t held_back_of(uint64_t g) const {
    return PhiloxStream(seed_, g, data_streams::split).below(static_cast<uint32_t>(group));
  }
  uint64_t index_in_whole(uint64_t index) const {
    if (part_ == Part::held_back) return index * group + held_back_of(index);
    const uint64_t g = index / (group - 1), k = index % (group - 1);
    const bool last = !whole_->unlimited() && g >= whole_->size() / group;
    return g * group + k + (!last && k >= held_back_of(g) ? 1 : 0);
  }

  DatasetPtr whole_;
  Part part_;
  uint64_t seed_;
};

}  // namespace

DatasetPtr part_of(DatasetPtr dataset, Part part, uint64_t seed) {
  const uint64_t held_back = dataset->size() / group;
  check(held_back > 0, ErrorKind::usage, "data: a set of {} images is too small to hold a fifth back",
        dataset->size());
  const bool back = part == Part::held_back;
  DatasetTraits traits{.shape = dataset->shape(),
                       .size = back ? held_back : dataset->size() - held_back,
                       .unlimited = dataset->unlimited(),
                       .class_names = dataset->class_names(),
                       .fingerprint = fmt::format("{} {} seed:{}", dataset->fingerprint(),
                                                  back ? "held-back-fifth" : "training-four-fifths", seed)};
  return std::make_shared<PartDataset>(std::move(dataset), part, seed, std::move(traits));
}

}  // namespace agon
