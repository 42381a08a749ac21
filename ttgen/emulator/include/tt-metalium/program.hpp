// A program: kernels, circular buffers and semaphores of one launch.
#pragma once

#include <memory>

namespace ttemu {
struct Program;
}

namespace tt::tt_metal {

class Program {
public:
    Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    Program(Program&&) noexcept;
    Program& operator=(Program&&) noexcept;
    ~Program() noexcept;

    ttemu::Program& state() const { return *state_; }

private:
    std::shared_ptr<ttemu::Program> state_;
};

}  // namespace tt::tt_metal
