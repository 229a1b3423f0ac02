// Sends one registration to Eventship for Salesforce. Go 1.19 or later, nothing to install.
//
// EVENTSHIP_URL=https://salesforce.eventship.example WEBHOOK_SECRET=whsec_… go run send_webhook.go
package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

type object map[string]any

var payload = object{
	"type":      "registration.confirmed",
	"timestamp": "2026-11-10T14:03:00Z",
	"data": object{
		"host":  object{"id": "host_acme", "name": "Acme Events"},
		"event": object{"id": "evt_summit", "title": "Autumn Summit", "starts_at": "2026-11-24T08:00:00Z"},
		"registration": object{
			"id":       "reg_8842",
			"status":   "confirmed",
			"attendee": object{"email": "zoe@example.com", "first_name": "Zoë", "last_name": "Ångström 李"},
		},
	},
}

func post(url string, key []byte, id string, body []byte) (*http.Response, error) {
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.", id, timestamp)
	mac.Write(body)
	request, err := http.NewRequest("POST", url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("content-type", "application/json")
	request.Header.Set("webhook-id", id)
	request.Header.Set("webhook-timestamp", timestamp)
	request.Header.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return (&http.Client{Timeout: 15 * time.Second}).Do(request)
}

// The id and the bytes stay the same in every attempt; timestamp and signature are made for each.
func send(url string, key []byte, body []byte) int {
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		panic(err)
	}
	id := "msg_" + hex.EncodeToString(random)
	for attempt := 0; attempt < 5; attempt++ {
		wait := 1 << attempt
		if answer, err := post(url, key, id, body); err != nil {
			fmt.Println(err)
		} else {
			text, _ := io.ReadAll(answer.Body)
			answer.Body.Close()
			fmt.Println(answer.StatusCode, string(text))
			if answer.StatusCode < 300 {
				return 0
			}
			if answer.StatusCode != 408 && answer.StatusCode != 429 && answer.StatusCode < 500 {
				return 1
			}
			if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil {
				wait = seconds
			}
		}
		time.Sleep(time.Duration(wait) * time.Second)
	}
	return 1
}

func main() {
	path := os.Getenv("EVENTSHIP_PATH")
	if path == "" {
		path = "/webhooks/eventship"
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(os.Getenv("WEBHOOK_SECRET"), "whsec_"))
	if err != nil {
		panic(err)
	}
	body, err := json.Marshal(payload)
	if err != nil {
		panic(err)
	}
	os.Exit(send(os.Getenv("EVENTSHIP_URL")+path, key, body))
}
