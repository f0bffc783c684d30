import type { Dictionary } from "../dictionary.ts";

export const find: Dictionary["find"] = {
  title: "发生了什么？",
  lead: "粘贴任意 ID：工单、日志行或应答中都有。",
  label: "任意 ID",
  placeholder: "请求 ID、chatcmpl-…、Trace ID、上游 ID、任务、批处理……",
  short: "任意 ID",
  shortcut: "按 / 键到这里",
  go: "查找",
  looking: "正在查找",
  noneTitle: "没有找到此 ID",
  none: (id) => `此密钥可见的范围内没有 ID ${id}。`,
  mayCome: "它的记录可能还在写入，本页会继续查找。",
  formsTitle: "ID 的样子",
  forms: {
    decimal: "请求 ID，见于每个应答的 x-request-id 头和每个错误",
    stamped: "同一个 ID，前面带有时间",
    answer: "应答的 ID：chatcmpl-、cmpl-、msg_ 或 resp_",
    trace: "Trace ID，见于 x-trace-id 头和 Jaeger",
    upstream: "上游的请求 ID，见于 x-upstream-request-id 头",
    job: "任务、视频、文件或批处理",
  },
  formName: "指向什么",
  formExample: "示例",
  otherKey: "密钥只能看到属于自己的内容。使用该账户的管理密钥可能找到更多。",
};
