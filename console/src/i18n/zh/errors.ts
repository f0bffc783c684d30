import type { Dictionary } from "../dictionary.ts";

export const errors: Dictionary["errors"] = {
  missing_required_field: ["缺少必填参数。", "补上所指的参数后重新发送。"],
  invalid_value: ["参数的类型、格式或范围不正确，或请求体不是有效的 JSON。", "更正所指的参数后重新发送。"],
  model_not_supported: [
    "密钥所属分组没有渠道在此接口提供该模型。",
    "使用该密钥在 GET /v1/models 中可见的模型，或为其分组配置渠道。",
  ],
  context_length_exceeded: ["输入与请求的输出合计超过模型的上下文窗口。", "缩短消息或调低 max_tokens。"],
  content_filtered: ["上游的内容规则不允许生成该内容。", "修改请求的提示词或媒体。"],
  invalid_api_key: ["密钥缺失、格式错误或不存在。", "检查密钥以及携带它的请求头。"],
  expired_api_key: ["密钥已过期。", "创建新的密钥。"],
  revoked_api_key: ["密钥已被吊销，或该密文已被轮换。", "使用新的密文，或创建新的密钥。"],
  insufficient_quota: [
    "余额或预算不足以支付该请求可能的费用。",
    "为账户充值、调低 max_tokens，或等待预算重置、运行中的请求结束。",
  ],
  permission_denied: ["密钥有效，但其类型或权限范围不允许此操作。", "使用具有该权限范围的密钥。"],
  account_suspended: ["账户已停用。", "联系平台运维人员。"],
  not_found: ["路径、方法、模型或资源不存在。", "检查 URL、方法和 ID。"],
  idempotency_conflict: ["使用此 Idempotency-Key 的首个请求仍在运行。", "稍候再用同一个键重复请求。"],
  request_too_large: ["请求体超过该路径的上限。", "拆分内容或缩小图片。"],
  idempotency_mismatch: ["此 Idempotency-Key 曾用于不同的请求。", "为新请求使用新的键。"],
  rate_limit_exceeded: ["已达到密钥或账户的速率限制，未计费。", "按 Retry-After 等待，再以带抖动的退避重试。"],
  concurrent_limit_exceeded: ["密钥或账户同时运行的请求过多，未计费。", "等待运行中的请求结束，或降低并发。"],
  client_closed_request: ["客户端在应答完成前断开。", "无需处理。费用由账户的断开策略决定。"],
  cancelled: ["任务在结束前被取消，未计费。", "无需处理：该账户的某个密钥发起了取消。"],
  internal_error: ["平台自身的故障。", "退避重试；若持续出现，请反馈请求 ID。"],
  interrupted: ["请求运行期间网关退出，无法得知客户端收到了什么。", "重新发送请求。"],
  not_implemented: ["请求使用了未提供支持的 HTTP 特性。", "去掉该特性后重新发送。"],
  upstream_error: [
    "所有候选上游均失败，或拒绝了平台的凭证。",
    "查看下方的尝试记录。退避重试；若凭证被拒，请检查该渠道的凭证。",
  ],
  upstream_outcome_unknown: [
    "已请求上游开始任务，但其应答丢失，无法得知任务是否在运行。未计费。",
    "若重复任务无害，可重新发送。",
  ],
  service_unavailable: ["平台的某个部分不可用、正在启动或过载。", "按 Retry-After 重试，或改用其他模型。"],
  upstream_timeout: ["上游未在规定时间内应答。", "退避重试；可考虑调低 max_tokens 或延长渠道超时。"],
  expired: ["任务未在规定时间内结束，或上游已不再保留它。未计费。", "重新开始任务。"],
  upstream_overloaded: ["所有候选上游均已满载。", "按 Retry-After 重试，通常只需几秒。若频繁出现，请增加渠道。"],
};
