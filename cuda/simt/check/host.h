// Host code that touches device memory. The device's addresses have no access for the host; the signal that
// follows is taken down as a fault, and the touched page is opened so that the program goes on until its next
// call of the runtime, which reports it and closes the page.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace agon::simt {

struct HostAccess {
  std::uint64_t address = 0;
  std::uint64_t code = 0;  // address of the host's instruction
};

// A range of addresses that the host must not touch; as many as eight at a time.
void watch_host_accesses(std::uint64_t base, std::uint64_t bytes);
void unwatch_host_accesses(std::uint64_t base);

// The accesses to the watched range since the last call; takes the access away again.
std::vector<HostAccess> take_host_accesses(std::uint64_t base);

// "function+0x12 in program", as far as the dynamic symbols tell.
std::string describe_code(std::uint64_t code);

}  // namespace agon::simt
