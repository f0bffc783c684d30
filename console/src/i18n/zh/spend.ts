import type { Dictionary } from "../dictionary.ts";

export const spend: Dictionary["spend"] = {
  title: "消费",
  lead: "已结束请求的费用",
  by: "维度",
  groups: { model: "模型", channel: "渠道", key: "密钥", module: "业务类型", status: "状态" },
  range: "时间范围",
  ranges: { "24h": "24 小时", "7d": "7 天", "30d": "30 天" },
  total: "费用",
  requests: "请求",
  errors: "错误",
  tokensIn: "输入 Token",
  tokensOut: "输出 Token",
  share: "占比",
  perRequest: "平均每次",
  none: "没有消费",
  noneText: "该时间内没有结束的请求。",
  csv: "CSV",
  chart: (by) => `按${by}的费用走势`,
  others: "其他",
  unnamed: "无",
};
