// jpeglib.h needs <cstdio> before it.
#include <cstdio>
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <csetjmp>
#include <cstring>

#include "agon/error.h"

#include "io/image_codecs.h"

namespace agon {
namespace {

/// libjpeg is C and leaves a failed call by longjmp, so no object with a destructor may live between setjmp
/// and the calls.
struct Session {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  std::jmp_buf failed;
  char message[JMSG_LENGTH_MAX] = "";

  Session() {
    jpeg.err = jpeg_std_error(&errors);
    jpeg.client_data = this;
    errors.error_exit = on_error;
    errors.emit_message = on_remark;
    errors.output_message = [](j_common_ptr) {};
  }
  ~Session() { jpeg_destroy_decompress(&jpeg); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[noreturn]] static void on_error(j_common_ptr common) {
    auto* session = static_cast<Session*>(common->client_data);
    common->err->format_message(common, session->message);
    std::longjmp(session->failed, 1);
  }
  /// libjpeg only warns of damaged or missing scan data and goes on with grey; that would be silently wrong.
  static void on_remark(j_common_ptr common, int level) {
    const int code = common->err->msg_code;
    const bool harmless = code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR;
    if (level < 0 && !harmless) on_error(common);
  }
};

bool read_header(Session& session, const unsigned char* data, size_t size) {
  if (setjmp(session.failed)) return false;
  jpeg_create_decompress(&session.jpeg);
  jpeg_mem_src(&session.jpeg, data, static_cast<unsigned long>(size));
  jpeg_read_header(&session.jpeg, TRUE);
  switch (session.jpeg.jpeg_color_space) {
    case JCS_GRAYSCALE:
      session.jpeg.out_color_space = JCS_GRAYSCALE;
      break;
    case JCS_CMYK:
    case JCS_YCCK:
      session.jpeg.out_color_space = JCS_CMYK;
      break;
    default:
      session.jpeg.out_color_space = JCS_RGB;
  }
  return true;
}

bool read_rows(Session& session, unsigned char* pixels, size_t stride) {
  if (setjmp(session.failed)) return false;
  jpeg_start_decompress(&session.jpeg);
  while (session.jpeg.output_scanline < session.jpeg.output_height) {
    JSAMPROW row = pixels + session.jpeg.output_scanline * stride;
    jpeg_read_scanlines(&session.jpeg, &row, 1);
  }
  jpeg_finish_decompress(&session.jpeg);
  return true;
}

[[noreturn]] void refuse(const Session& session, const std::string& where) {
  fail(ErrorKind::data, "{}: damaged JPEG image ({}); fetch it again or remove it", where, session.message);
}

void open(Session& session, std::span<const std::byte> file, const std::string& where) {
  if (!read_header(session, reinterpret_cast<const unsigned char*>(file.data()), file.size()))
    refuse(session, where);
  check_image_size(session.jpeg.image_height, session.jpeg.image_width, where);
}

/// `inverted`: Adobe's programs, whose marker the file then bears, store 255 - ink.
Image cmyk_to_rgb(const Image& cmyk, bool inverted) {
  Image rgb(cmyk.height, cmyk.width, 3);
  const uint8_t* from = cmyk.pixels.data();
  for (uint8_t *to = rgb.pixels.data(), *end = to + rgb.pixels.size(); to != end; to += 3, from += 4) {
    const unsigned flip = inverted ? 0u : 255u;
    const unsigned light = from[3] ^ flip;
    for (int c = 0; c < 3; ++c) to[c] = static_cast<uint8_t>(((from[c] ^ flip) * light + 127u) / 255u);
  }
  return rgb;
}

}  // namespace

ImageInfo jpeg_info(std::span<const std::byte> file, const std::string& where) {
  Session session;
  open(session, file, where);
  return {static_cast<int>(session.jpeg.image_height), static_cast<int>(session.jpeg.image_width),
          session.jpeg.out_color_space == JCS_GRAYSCALE ? 1 : 3, false};
}

Image decode_jpeg(std::span<const std::byte> file, const std::string& where) {
  Session session;
  open(session, file, where);
  const bool cmyk = session.jpeg.out_color_space == JCS_CMYK;
  const int channels = cmyk ? 4 : session.jpeg.out_color_space == JCS_RGB ? 3 : 1;
  Image image(static_cast<int>(session.jpeg.image_height), static_cast<int>(session.jpeg.image_width),
              channels);
  const auto stride = static_cast<size_t>(image.width) * static_cast<size_t>(channels);
  if (!read_rows(session, image.pixels.data(), stride)) refuse(session, where);
  return cmyk ? cmyk_to_rgb(image, session.jpeg.saw_Adobe_marker) : image;
}

}  // namespace agon
