#include "operation.hpp"

namespace ttemu {

namespace {

constexpr const char* kKindNames[] = {"nothing", "matmul_tiles", "matmul_block", "add", "sub", "mul", "copy_tile", "transpose_tile",
                                      "unary_bcast", "reduce_tile", "tilize_block", "untilize"};

bool matches(const FpuOp& init, const FpuOp& op) {
    if (is_matmul(op.kind)) {
        return is_matmul(init.kind) && init.ct == op.ct && init.rt == op.rt && (op.kind == FpuKind::Matmul || init.kt == op.kt);
    }
    return init.kind == op.kind && init.broadcast == op.broadcast && init.reuse == op.reuse &&
           (op.kind != FpuKind::Reduce || (init.pool == op.pool && init.dim == op.dim)) && (op.kind != FpuKind::Tilize || init.ct == op.ct);
}

}  // namespace

const char* name_of(FpuKind kind) { return kKindNames[static_cast<uint32_t>(kind)]; }

bool is_matmul(FpuKind kind) { return kind == FpuKind::Matmul || kind == FpuKind::MatmulBlock; }

bool is_binary(FpuKind kind) { return kind == FpuKind::Add || kind == FpuKind::Sub || kind == FpuKind::Mul; }

std::string describe(const FpuOp& op) {
    static constexpr const char* broadcasts[] = {"", " (column broadcast)", " (row broadcast)", " (scalar broadcast)"};
    static constexpr const char* reuses[] = {"", " (DST to SrcA)", " (DST to SrcB)"};
    std::string text = std::string(name_of(op.kind)) + broadcasts[static_cast<uint32_t>(op.broadcast)] + reuses[static_cast<uint32_t>(op.reuse)];
    if (op.kind == FpuKind::MatmulBlock) {
        text += format(" (ct %u, rt %u, kt %u)", op.ct, op.rt, op.kt);
    }
    return text;
}

void check_init(const FpuOp& init, const FpuOp& op, Where where) {
    if (!matches(init, op)) {
        error(where, "missing-init", describe(op) + ", but the init in force is that of " + describe(init));
    } else if (goes_to_dest(init, where) != goes_to_dest(op, where)) {
        // The init sets up one of two ways to DST; unpack and math would wait for each other.
        error(where, "missing-init", describe(op) + format(": circular buffer %u unpacks %s, and the init in force is for circular buffer %u, which doesn't",
                                                           op.cb0, goes_to_dest(op, where) ? "to DST" : "to SrcA", init.cb0));
    }
}

bool reduce_swaps(const FpuOp& op) { return op.dim == Dim::Row && op.pool != Pool::Max; }

Routes routes_of(const FpuOp& op) {
    const int cb0 = static_cast<int>(op.cb0), cb1 = static_cast<int>(op.cb1);
    switch (op.kind) {
        case FpuKind::Matmul:
        case FpuKind::MatmulBlock: return {cb1, cb0};
        case FpuKind::Add:
        case FpuKind::Sub:
        case FpuKind::Mul:
            if (op.reuse == Reuse::DestToA) {
                return {-1, cb0};
            }
            return op.reuse == Reuse::DestToB ? Routes{cb0, -1} : Routes{cb0, cb1};
        case FpuKind::Reduce: return reduce_swaps(op) ? Routes{cb1, cb0} : Routes{cb0, cb1};
        default: return {cb0, -1};
    }
}

bool goes_to_dest(const FpuOp& op, Where where) {
    return (op.kind == FpuKind::Copy || op.kind == FpuKind::Transpose || op.kind == FpuKind::UnaryBroadcast) && cb_of(op.cb0, where).unpack_to_dest &&
           cb_of(op.cb0, where).format == 0;
}

void check_formats(const ComputeUnit::Formats& configured, const FpuOp& op, Where where) {
    Routes routes = routes_of(op);
    if (op.kind == FpuKind::UnaryBroadcast && op.broadcast != Broadcast::None && !goes_to_dest(op, where)) {
        routes = {-1, static_cast<int>(op.cb0)};  // a broadcast reads SrcB
    }
    const struct {
        int cb;
        uint8_t format;
        const char* name;
    } sides[] = {{routes.a, configured.a, "SrcA"}, {routes.b, configured.b, "SrcB"}};
    for (const auto& side : sides) {
        if (side.cb < 0) {
            continue;
        }
        const uint8_t actual = cb_of(static_cast<uint32_t>(side.cb), where).format;
        if (actual != side.format) {
            error(where, "format-not-configured", describe(op) + format(": circular buffer %d is %s, and %s is configured for %s", side.cb,
                                                                         format_name(actual), side.name, format_name(side.format)));
        }
    }
}

}  // namespace ttemu
