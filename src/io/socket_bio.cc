#include "io/socket_bio.h"

#include <cerrno>
#include <cstdint>
#include <memory>
#include <sys/socket.h>

namespace gracekeeper::io {
namespace {

int descriptor_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

void note_retry(BIO* bio, ssize_t count, int flag) {
  BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
  if (count < 0 && (errno == EAGAIN || errno == EINTR))
    BIO_set_flags(bio, flag | BIO_FLAGS_SHOULD_RETRY);
}

int write_to(BIO* bio, const char* from, int size) {
  const auto count = ::send(descriptor_of(bio), from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  note_retry(bio, count, BIO_FLAGS_WRITE);
  return static_cast<int>(count);
}

int read_from(BIO* bio, char* to, int size) {
  const auto count = ::recv(descriptor_of(bio), to, static_cast<std::size_t>(size), 0);
  note_retry(bio, count, BIO_FLAGS_READ);
  if (count == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(count);
}

long control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

using MethodPtr = std::unique_ptr<BIO_METHOD, CallOnDelete<BIO_meth_free>>;

const BIO_METHOD* method() {
  static const MethodPtr made = [] {
    MethodPtr method(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket"));
    if (method) {
      BIO_meth_set_write(method.get(), write_to);
      BIO_meth_set_read(method.get(), read_from);
      BIO_meth_set_ctrl(method.get(), control);
    }
    return method;
  }();
  return made.get();
}

}  // namespace

BioPtr socket_bio(int descriptor) {
  if (method() == nullptr) return nullptr;
  BioPtr bio(BIO_new(method()));
  if (!bio) return nullptr;
  BIO_set_data(bio.get(), reinterpret_cast<void*>(static_cast<std::intptr_t>(descriptor)));
  BIO_set_init(bio.get(), 1);
  return bio;
}

}  // namespace gracekeeper::io
