package models

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Unsubscribe makes and reads the links by which users end messages without logging in. The zero value makes none.
type Unsubscribe struct {
	URL    string // of POST /v1/unsubscribe, as users reach it: https://api.shop.example/v1/unsubscribe
	Secret string // signs the links; another one ends the old ones
}

// unsubscribeSecret is how many bytes a secret must have: links are in everybody's mail, so guesses can be tried at leisure.
const unsubscribeSecret = 32

// Check finds fault with half of a configuration, or a bad one. The zero value is fine. It quotes no secret.
func (u Unsubscribe) Check() error {
	if u == (Unsubscribe{}) {
		return nil
	}
	switch address, err := url.Parse(u.URL); {
	case u.URL == "" || u.Secret == "":
		return errors.New("links that end messages need both an address and a secret")
	case err != nil || address.Host == "" || (address.Scheme != "https" && address.Scheme != "http"):
		return errors.New("the address of links that end messages must be https://…/v1/unsubscribe")
	case len(u.Secret) < unsubscribeSecret:
		return fmt.Errorf("the secret of links that end messages must have at least %d bytes", unsubscribeSecret)
	default:
		return nil
	}
}

// unsubscribeMAC is how many bytes of the signature are in a link: enough that nobody guesses one.
const unsubscribeMAC = 16

// Link ends a user's messages through a channel; "" when there are no links.
func (u Unsubscribe) Link(userID string, channel Channel) string {
	if u.URL == "" || u.Secret == "" {
		return ""
	}
	content := userID + "|" + string(channel)
	return strings.TrimSuffix(u.URL, "/") + "/" + base64.RawURLEncoding.EncodeToString(append(u.sign(content), content...))
}

// Read returns whom and what a token, the last part of a link, is for; ok is false for one that was not made here.
func (u Unsubscribe) Read(token string) (userID string, channel Channel, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) < unsubscribeMAC || u.Secret == "" || !hmac.Equal(raw[:unsubscribeMAC], u.sign(string(raw[unsubscribeMAC:]))) {
		return "", "", false
	}
	userID, word, ok := strings.Cut(string(raw[unsubscribeMAC:]), "|")
	return userID, Channel(word), ok
}

func (u Unsubscribe) sign(content string) []byte {
	mac := hmac.New(sha256.New, []byte(u.Secret))
	mac.Write([]byte("tearoff unsubscribe\x00" + content))
	return mac.Sum(nil)[:unsubscribeMAC]
}
