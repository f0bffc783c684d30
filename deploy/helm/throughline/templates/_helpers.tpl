{{- define "tl.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels that select: those of a role of this release. */}}
{{- define "tl.selector" -}}
app.kubernetes.io/name: {{ .role }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/part-of: throughline
{{- end -}}

{{- define "tl.labels" -}}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: throughline
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "tl.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{/* Name of a Secret: what is there already, what the operator makes, or what the chart makes. */}}
{{- define "tl.secret" -}}
{{- $v := .root.Values -}}
{{- $own := printf "%s-%s" (include "tl.fullname" .root) .what -}}
{{- $existing := dig .what "existingSecret" "" (dict "database" $v.database "keys" $v.keys "upstreams" $v.upstreams "valkey" $v.valkey "telemetry" $v.telemetry "accounts" $v.accounts) -}}
{{- if $existing -}}
{{- $existing -}}
{{- else if and $v.externalSecrets.enabled (index $v.externalSecrets .what) -}}
{{- $own -}}
{{- else if and (eq .what "keys") $v.keys.generate -}}
{{- $own -}}
{{- end -}}
{{- end -}}

{{- define "tl.configMap" -}}
{{- default (printf "%s-config" (include "tl.fullname" .)) .Values.existingConfigMap -}}
{{- end -}}

{{- define "tl.tlsSecret" -}}
{{- default (printf "%s-tls" (include "tl.fullname" .)) .Values.tls.existingSecret -}}
{{- end -}}

{{/* What cannot work is said before anything is installed. */}}
{{- define "tl.check" -}}
{{- if not (or .Values.postgresql.enabled (include "tl.secret" (dict "root" . "what" "database"))) -}}
{{- fail "database.existingSecret must name a Secret with DATABASE_URL (or externalSecrets.database a key of your store, or postgresql.enabled be true for a trial)" -}}
{{- end -}}
{{- if and .Values.postgresql.enabled (include "tl.secret" (dict "root" . "what" "database")) -}}
{{- fail "postgresql.enabled and database.existingSecret are two databases: take one out" -}}
{{- end -}}
{{- if and .Values.postgresql.enabled (not .Values.postgresql.existingSecret) -}}
{{- fail "postgresql.existingSecret must name a Secret with POSTGRES_PASSWORD" -}}
{{- end -}}
{{- if not (include "tl.secret" (dict "root" . "what" "keys")) -}}
{{- fail "keys.existingSecret must name a Secret with KEY_PEPPER, CREDENTIAL_KEY and GRPC_SECRET (or externalSecrets.keys a key of your store, or keys.generate be true)" -}}
{{- end -}}
{{- if and .Values.valkey.enabled (include "tl.secret" (dict "root" . "what" "valkey")) -}}
{{- fail "valkey.enabled and valkey.existingSecret are two: take one out" -}}
{{- end -}}
{{- if and .Values.tls.enabled (not .Values.tls.existingSecret) (not .Values.tls.certManager.enabled) -}}
{{- fail "tls.existingSecret must name a Secret with tls.crt, tls.key and ca.crt (or tls.certManager.enabled be true)" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- fail "ingress.hosts must name a host" -}}
{{- end -}}
{{- if and .Values.gatewayApi.enabled (not .Values.gatewayApi.parentRefs) -}}
{{- fail "gatewayApi.parentRefs must name a Gateway" -}}
{{- end -}}
{{- if and .Values.externalSecrets.enabled (not .Values.externalSecrets.secretStoreRef.name) -}}
{{- fail "externalSecrets.secretStoreRef.name must name a store" -}}
{{- end -}}
{{- end -}}

{{- define "tl.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "tl.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* DATABASE_URL, and PostgreSQL's authorities beside it. */}}
{{- define "tl.databaseEnv" -}}
{{- if .Values.postgresql.enabled -}}
- name: POSTGRES_PASSWORD
  valueFrom:
    secretKeyRef: { name: {{ .Values.postgresql.existingSecret }}, key: POSTGRES_PASSWORD }
- name: DATABASE_URL
  value: postgres://throughline:$(POSTGRES_PASSWORD)@{{ include "tl.fullname" . }}-postgresql:5432/throughline
{{- else -}}
- name: DATABASE_URL
  valueFrom:
    secretKeyRef: { name: {{ include "tl.secret" (dict "root" . "what" "database") }}, key: DATABASE_URL }
{{- end -}}
{{- end -}}
