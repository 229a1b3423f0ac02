<?php
// Sends one registration to Eventship for Salesforce. PHP 8.1 or later, nothing to install.
//
// EVENTSHIP_URL=https://salesforce.eventship.example WEBHOOK_SECRET=whsec_… php send_webhook.php
declare(strict_types=1);

$url = getenv('EVENTSHIP_URL') . (getenv('EVENTSHIP_PATH') ?: '/webhooks/eventship');
$key = base64_decode(preg_replace('/^whsec_/', '', getenv('WEBHOOK_SECRET')), true);

$payload = [
    'type' => 'registration.confirmed',
    'timestamp' => '2026-11-10T14:03:00Z',
    'data' => [
        'host' => ['id' => 'host_acme', 'name' => 'Acme Events'],
        'event' => ['id' => 'evt_summit', 'title' => 'Autumn Summit', 'starts_at' => '2026-11-24T08:00:00Z'],
        'registration' => [
            'id' => 'reg_8842',
            'status' => 'confirmed',
            'attendee' => ['email' => 'zoe@example.com', 'first_name' => 'Zoë', 'last_name' => 'Ångström 李'],
        ],
    ],
];

function send(string $url, string $key, array $payload): int
{
    // The id and the bytes stay the same in every attempt; timestamp and signature are made for each.
    $id = 'msg_' . bin2hex(random_bytes(16));
    $body = json_encode($payload, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR);
    for ($attempt = 0; $attempt < 5; $attempt++) {
        $timestamp = (string) time();
        $signature = base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
        $context = stream_context_create(['http' => [
            'method' => 'POST',
            'content' => $body,
            'header' => [
                'content-type: application/json',
                "webhook-id: $id",
                "webhook-timestamp: $timestamp",
                "webhook-signature: v1,$signature",
            ],
            'ignore_errors' => true,
            'timeout' => 15,
        ]]);
        $wait = 2 ** $attempt;
        $answer = @file_get_contents($url, false, $context);
        if ($answer !== false) {
            $status = (int) explode(' ', $http_response_header[0])[1];
            echo "$status $answer\n";
            if ($status < 300) {
                return 0;
            }
            if (!in_array($status, [408, 429], true) && $status < 500) {
                return 1;
            }
            foreach ($http_response_header as $header) {
                if (preg_match('/^retry-after: *(\d+)/i', $header, $found)) {
                    $wait = (int) $found[1];
                }
            }
        }
        sleep($wait);
    }
    return 1;
}

exit(send($url, $key, $payload));
