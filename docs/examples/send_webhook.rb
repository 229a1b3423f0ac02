# Sends one registration to Eventship for Salesforce. Ruby 3.0 or later, nothing to install.
#
# EVENTSHIP_URL=https://salesforce.eventship.example WEBHOOK_SECRET=whsec_… ruby send_webhook.rb
# frozen_string_literal: true

require "json"
require "net/http"
require "openssl"
require "securerandom"

URL = URI(ENV.fetch("EVENTSHIP_URL") + ENV.fetch("EVENTSHIP_PATH", "/webhooks/eventship"))
KEY = ENV.fetch("WEBHOOK_SECRET").delete_prefix("whsec_").unpack1("m0")

PAYLOAD = {
  type: "registration.confirmed",
  timestamp: "2026-11-10T14:03:00Z",
  data: {
    host: { id: "host_acme", name: "Acme Events" },
    event: { id: "evt_summit", title: "Autumn Summit", starts_at: "2026-11-24T08:00:00Z" },
    registration: {
      id: "reg_8842",
      status: "confirmed",
      attendee: { email: "zoe@example.com", first_name: "Zoë", last_name: "Ångström 李" }
    }
  }
}.freeze

def post(id, body)
  timestamp = Time.now.to_i.to_s
  signature = [OpenSSL::HMAC.digest("SHA256", KEY, "#{id}.#{timestamp}.".b + body.b)].pack("m0")
  headers = {
    "content-type" => "application/json",
    "webhook-id" => id,
    "webhook-timestamp" => timestamp,
    "webhook-signature" => "v1,#{signature}"
  }
  Net::HTTP.start(URL.host, URL.port, use_ssl: URL.scheme == "https", read_timeout: 15) do |http|
    http.post(URL.path, body, headers)
  end
end

def send_webhook(payload)
  # The id and the bytes stay the same in every attempt; timestamp and signature are made for each.
  id = "msg_#{SecureRandom.uuid}"
  body = JSON.generate(payload)
  5.times do |attempt|
    wait = 2**attempt
    begin
      answer = post(id, body)
      status = answer.code.to_i
      puts "#{status} #{answer.body}"
      return 0 if status < 300
      return 1 if ![408, 429].include?(status) && status < 500

      wait = (answer["retry-after"] || wait).to_i
    rescue SystemCallError, SocketError, Timeout::Error, OpenSSL::SSL::SSLError => e
      puts e.message
    end
    sleep wait
  end
  1
end

exit send_webhook(PAYLOAD)
