#include "io/atomic_file.h"

#include <cstring>

#include "agon/error.h"

#include "catch.h"
#include "io/file.h"
#include "support/refusals.h"
#include "support/scratch.h"

using namespace agon;

namespace {

std::string text_of(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

// Were the new content visible before commit, a kill between two writes would leave half a checkpoint.
TEST_CASE("a file changes only at commit and leaves no temporary behind") {
  Scratch folder;
  const auto path = folder / "state";
  write_file(path, "old");
  {
    AtomicFile file(path);
    file.write("ne");
    file.write("w");
    CHECK(text_of(path) == "old");
    CHECK(file.size() == 3);
    CHECK(file.crc32() == crc32_of(std::as_bytes(std::span("new", 3))));
    file.commit();
  }
  CHECK(text_of(path) == "new");
  { AtomicFile(path).write("dropped"); }
  CHECK(text_of(path) == "new");
  CHECK(folder.entries() == 1);
}

// Were a full disk handled badly, the old file would be lost or a stray temporary would fill the disk
// further.
TEST_CASE("a full disk gives one clear line and leaves the old file") {
  Scratch folder;
  const auto path = folder / "state";
  write_file(path, "old");
  const std::vector<std::byte> large(1 << 20);
  std::string message;
  {
    FullDisk disk(1 << 16);
    message = error_of(ErrorKind::io, [&] { write_file(path, large); });
  }
  CHECK(mentions(message, path.string()));
  CHECK(mentions(message, "free some space"));
  CHECK(text_of(path) == "old");
  CHECK(folder.entries() == 1);
}

// Were an unwritable folder not reported at once, a run would train for hours and save nothing.
TEST_CASE("an unwritable folder gives one clear line") {
  Scratch folder;
  write_file(folder / "state", "old");
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0555));
  std::string message, folder_message;
  {
    WithoutRoot nobody;
    message = error_of(ErrorKind::io, [&] { write_file(folder / "state", "new"); });
    folder_message = error_of(ErrorKind::io, [&] { make_folder(folder / "run"); });
  }
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  CHECK(mentions(message, "may write to"));
  CHECK(mentions(folder_message, "may write to"));
  CHECK(text_of(folder / "state") == "old");
}

// Were a missing folder or file reported without its name, the user could not tell which path is wrong.
TEST_CASE("missing files and folders are named") {
  Scratch folder;
  CHECK(mentions(error_of(ErrorKind::io, [&] { write_file(folder / "no/state", "x"); }),
                 "does the folder exist"));
  CHECK(mentions(error_of(ErrorKind::io, [&] { read_file(folder / "none"); }), "No such file"));
  CHECK(mentions(error_of(ErrorKind::io, [&] { read_file(folder.path()); }), "is a folder"));
}
